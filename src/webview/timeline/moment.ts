import type { Filtered } from './filter.ts';
import { between } from './search.ts';
import type { StoredMark } from './store.ts';

/** A part of a lane that a person points at or has chosen. */
export interface Moment {
  readonly lane: number;
  readonly from: number;
  readonly to: number;
}

/** The events at a time: rare ones first, then calls; latest first in each group. */
export function marksAt({ byLane }: Filtered, { lane, from, to }: Moment): readonly StoredMark[] {
  const marks = byLane.get(lane);
  if (!marks) return [];
  const events = between(marks.events, from, to).toReversed();
  // A call is there from its sending on.
  const calls = between(marks.calls, from, to + marks.longestMs)
    .filter(({ at, durationMs = 0 }) => at - durationMs <= to)
    .toReversed();
  return [...events, ...calls];
}

/** The mark nearest to a moment. */
export function nearest(marks: readonly StoredMark[], at: number): StoredMark | undefined {
  return marks.reduce<StoredMark | undefined>(
    (best, each) => (best && Math.abs(best.at - at) <= Math.abs(each.at - at) ? best : each),
    undefined,
  );
}
