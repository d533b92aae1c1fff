import { MARK_KINDS, type MarkKind } from './messages.ts';
import { between, firstIndex } from './search.ts';
import type { StoredMark } from './store.ts';

/** Levels of detail: how marks are put together when there are more of them than places to draw. */

/** From time to place, in CSS pixels from the left edge. */
export interface Scale {
  readonly from: number;
  readonly to: number;
  readonly width: number;
}

export function placeOf(at: number, { from, to, width }: Scale): number {
  return ((at - from) / (to - from)) * width;
}

export function momentOf(place: number, { from, to, width }: Scale): number {
  return from + (place / width) * (to - from);
}

/** A call as a bar with a length, in one of a few rows so that calls at the same time do not hide each other. */
export interface Bar {
  readonly start: number;
  readonly end: number;
  readonly row: number;
}

/** Calls of one lane that are under way between the ends of a scale. @param longestMs the longest of `calls`. */
export function callsUnderWay(
  calls: readonly StoredMark[],
  longestMs: number,
  { from, to }: Scale,
): readonly StoredMark[] {
  return between(calls, from, to + longestMs).filter(({ at, durationMs = 0 }) => at - durationMs <= to);
}

/** One bar for each call, in the lowest row that is free; in the last one if none is. */
export function barsOf(calls: readonly StoredMark[], scale: Scale, rows: number): Bar[] {
  const starts = calls.map(({ at, durationMs = 0 }) => ({ at, from: at - durationMs }));
  starts.sort((one, other) => one.from - other.from);
  const ends: number[] = Array.from({ length: rows }, () => Number.NEGATIVE_INFINITY);
  return starts.map(({ at, from }) => {
    const start = placeOf(from, scale);
    const end = Math.max(placeOf(at, scale), start + 2);
    const free = ends.findIndex((each) => each <= start);
    const row = free < 0 ? rows - 1 : free;
    ends[row] = Math.max(ends[row] ?? 0, end + 1);
    return { start, end, row };
  });
}

/** How many calls ended in each column, so many pixels wide. */
export function density(calls: readonly StoredMark[], scale: Scale, columnWidth: number): Uint32Array {
  const columns = new Uint32Array(Math.max(1, Math.ceil(scale.width / columnWidth)));
  const start = firstIndex(calls.length, (index) => (calls[index]?.at ?? 0) >= scale.from);
  for (let index = start; index < calls.length; index++) {
    const at = calls[index]?.at ?? 0;
    if (at > scale.to) break;
    const column = Math.min(Math.floor(placeOf(at, scale) / columnWidth), columns.length - 1);
    columns[column] = (columns[column] ?? 0) + 1;
  }
  return columns;
}

/** Events that lie too close to be told apart, as one. */
export interface Cluster {
  /** Where the weightiest is. */
  readonly place: number;
  /** The kind of the weightiest. */
  readonly kind: MarkKind;
  readonly count: number;
}

/** Of two in one place the later in this list is drawn. */
const WEIGHTS: readonly MarkKind[] = ['call', 'note', 'session', 'replay', 'recovery', 'fault'];

/** Puts the events between the ends of a scale together where the next one is less than `gap` pixels from the first. */
export function clustersOf(events: readonly StoredMark[], scale: Scale, gap: number): Cluster[] {
  const clusters: { start: number; place: number; kind: MarkKind; count: number }[] = [];
  for (const { at, kind } of between(events, scale.from, scale.to)) {
    const place = placeOf(at, scale);
    const last = clusters.at(-1);
    if (!last || place - last.start >= gap) {
      clusters.push({ start: place, place, kind, count: 1 });
      continue;
    }
    last.count++;
    if (WEIGHTS.indexOf(kind) > WEIGHTS.indexOf(last.kind)) Object.assign(last, { place, kind });
  }
  return clusters.map(({ place, kind, count }) => ({ place, kind, count }));
}

/** How many of each kind there are. */
export function countKinds(marks: readonly StoredMark[]): Record<MarkKind, number> {
  const counts = Object.fromEntries(MARK_KINDS.map((kind) => [kind, 0])) as Record<MarkKind, number>;
  for (const { kind } of marks) counts[kind]++;
  return counts;
}
