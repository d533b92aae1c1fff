import type { Filtered } from './filter.ts';
import type { Lane } from './messages.ts';
import { nearest } from './moment.ts';
import type { StoredMark } from './store.ts';

/** Where the keyboard can go from where it is. */
export interface Surroundings {
  readonly filtered: Filtered;
  /** The visible lanes, from top to bottom. */
  readonly lanes: readonly Lane[];
  /** The mark that the keyboard is at, and the lane that a person has chosen. */
  readonly mark: StoredMark | undefined;
  readonly lane: number | undefined;
  /** The middle of what is shown, in ms since the epoch: where it begins. */
  readonly middle: number;
}

/** The next or the previous mark of the lane; the one nearest to the middle at first. Undefined at its ends. */
export function stepped(
  around: Surroundings,
  direction: 1 | -1,
  among: 'all' | 'events',
): StoredMark | undefined {
  const marks = marksOf(around, laneOf(around), among);
  const { mark, middle } = around;
  if (!mark) return nearest(marks, middle);
  const index = marks.indexOf(mark);
  if (index >= 0) return marks[index + direction];
  // From a call to the events around it, or from one that the filter has hidden meanwhile.
  return direction > 0 ? marks.find(({ at }) => at >= mark.at) : marks.findLast(({ at }) => at <= mark.at);
}

/** The mark of the lane below or above that is nearest in time; lanes without marks are passed over. */
export function inOtherLane(around: Surroundings, direction: 1 | -1): StoredMark | undefined {
  const { lanes, mark, middle } = around;
  const isIn = mark !== undefined || around.lane !== undefined;
  let index = lanes.findIndex(({ id }) => id === laneOf(around)?.id);
  if (isIn) index += direction;
  for (; lanes[index]; index += direction) {
    const marks = marksOf(around, lanes[index], 'all');
    if (marks.length > 0) return nearest(marks, mark?.at ?? middle);
  }
  return undefined;
}

export function atEnd(around: Surroundings, end: 'first' | 'last'): StoredMark | undefined {
  return marksOf(around, laneOf(around), 'all').at(end === 'first' ? 0 : -1);
}

function laneOf({ lanes, mark, lane }: Surroundings): Lane | undefined {
  return lanes.find(({ id }) => id === (mark?.lane ?? lane)) ?? lanes[0];
}

function marksOf(
  { filtered }: Surroundings,
  lane: Lane | undefined,
  among: 'all' | 'events',
): readonly StoredMark[] {
  if (!lane) return [];
  if (among === 'events') return filtered.byLane.get(lane.id)?.events ?? [];
  return filtered.marks.filter((mark) => mark.lane === lane.id);
}
