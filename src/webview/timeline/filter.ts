import { MARK_KINDS, type MarkKind } from './messages.ts';
import type { Store, StoredMark } from './store.ts';

/** What a person wants to see. */
export interface Filter {
  /** Every word of it has to be found. */
  readonly text: string;
  /** Undefined: all. */
  readonly server: string | undefined;
  readonly hidden: readonly MarkKind[];
}

export const NO_FILTER: Filter = { text: '', server: undefined, hidden: [] };

/** The marks of one lane that pass, oldest first. */
export interface LaneMarks {
  readonly calls: readonly StoredMark[];
  readonly events: readonly StoredMark[];
  /** The longest of its calls, in ms. */
  readonly longestMs: number;
}

/** What passes a filter. */
export interface Filtered {
  /** Oldest first. */
  readonly marks: readonly StoredMark[];
  /** The calls among them. */
  readonly calls: readonly StoredMark[];
  readonly byLane: ReadonlyMap<number, LaneMarks>;
}

export function filtered(store: Store, filter: Filter): Filtered {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const hidden = new Set(filter.hidden);
  const lanes = new Set(lanesOf(store, filter.server));
  const marks = store.marks.filter(
    ({ kind, lane, haystack }) =>
      !hidden.has(kind) && lanes.has(lane) && words.every((word) => haystack.includes(word)),
  );
  return { marks, calls: marks.filter(({ kind }) => kind === 'call'), byLane: byLane(marks) };
}

function lanesOf(store: Store, server: string | undefined): number[] {
  return store.lanes.filter((lane) => server === undefined || lane.server === server).map(({ id }) => id);
}

function byLane(marks: readonly StoredMark[]): Map<number, LaneMarks> {
  const found = new Map<number, { calls: StoredMark[]; events: StoredMark[]; longestMs: number }>();
  for (const mark of marks) {
    const entry = found.get(mark.lane) ?? { calls: [], events: [], longestMs: 0 };
    found.set(mark.lane, entry);
    (mark.kind === 'call' ? entry.calls : entry.events).push(mark);
    if (mark.kind === 'call') entry.longestMs = Math.max(entry.longestMs, mark.durationMs ?? 0);
  }
  return found;
}

/** A filter that was kept over a reload, or the part of it that can be used. */
export function readFilter(kept: unknown): Filter {
  if (typeof kept !== 'object' || kept === null) return NO_FILTER;
  const { text, server, hidden } = kept as Record<string, unknown>;
  return {
    text: typeof text === 'string' ? text : '',
    server: typeof server === 'string' ? server : undefined,
    hidden: Array.isArray(hidden) ? MARK_KINDS.filter((kind) => hidden.includes(kind)) : [],
  };
}
