/** The time that the charts show, in ms since the epoch. Following, it ends at the present. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly follows: boolean;
}

/** The shortest and the longest time that is shown, in ms. */
export const SPAN_LIMITS = { shortest: 10, longest: 31 * 24 * 60 * 60_000 } as const;

/** The initial visible range of a short history, and the largest of a long one, in ms. */
const FIRST_SPAN = { shortest: 60_000, longest: 15 * 60_000 } as const;

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

const clampSpan = (span: number): number => clamp(span, SPAN_LIMITS.shortest, SPAN_LIMITS.longest);

export function spanOf({ from, to }: Range): number {
  return to - from;
}

/** The last minutes, following. @param first the time of the oldest mark, if there is one. */
export function firstRange(first: number | undefined, now: number): Range {
  const age = first === undefined ? 0 : (now - first) * 1.05;
  return following(clamp(age, FIRST_SPAN.shortest, FIRST_SPAN.longest), now);
}

/** Everything there is, following. */
export function wholeRange(first: number | undefined, now: number): Range {
  return following(
    clampSpan(first === undefined ? FIRST_SPAN.shortest : Math.max(1000, (now - first) * 1.02)),
    now,
  );
}

/** So much time up to the present. */
export function following(span: number, now: number): Range {
  return { from: now - span, to: now, follows: true };
}

/** The range at a later time: a range that follows moves with the present. */
export function atMoment(range: Range, now: number): Range {
  return range.follows ? following(spanOf(range), now) : range;
}

/**
 * Shows `factor` times as much time; what is at `anchor` stays where it is. A range that follows goes on to, and keeps
 * the present where it is.
 */
export function zoomed(range: Range, factor: number, anchor: number): Range {
  const span = clampSpan(spanOf(range) * factor);
  if (range.follows) return following(span, range.to);
  const share = spanOf(range) === 0 ? 0.5 : (anchor - range.from) / spanOf(range);
  const from = anchor - share * span;
  return { from, to: from + span, follows: false };
}

/**
 * Moves by `ms`, to later times if it is positive. Into the past it stops following; at the present it stops moving,
 * and follows again.
 */
export function panned(range: Range, ms: number, now: number): Range {
  const to = range.to + ms;
  if (to >= now) return following(spanOf(range), now);
  return { from: range.from + ms, to, follows: false };
}

/** The same range if `at` is in it, else one with `at` in the middle. */
export function revealing(range: Range, at: number, now: number): Range {
  if (at >= range.from && at <= range.to) return range;
  return panned({ ...range, follows: false }, at - (range.from + range.to) / 2, now);
}
