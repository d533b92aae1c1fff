import {
  atMoment,
  firstRange,
  following,
  panned,
  type Range,
  revealing,
  spanOf,
  wholeRange,
  zoomed,
} from './range.ts';
import { between } from './search.ts';
import type { StoredMark } from './store.ts';
import type { ViewState } from './view-state.ts';

/** How often a picture that follows the present is drawn at most and at least, in ms. */
const PACE = { quickest: 100, slowest: 1000 } as const;

/** The time that is shown, and what time it is where the facts come from. */
export class Timeframe {
  readonly #localNow: () => number;
  #clock: { readonly theirs: number; readonly ours: number };
  #range: Range;

  /**
   * @param now the extension's clock. @param localNow a clock of the page that only goes forward; both in ms.
   * @param marks what is known at first, oldest first. @param kept what was shown before, if there was anything.
   */
  constructor(
    now: number,
    localNow: () => number,
    marks: readonly StoredMark[],
    kept: Pick<ViewState, 'span' | 'to'>,
  ) {
    this.#localNow = localNow;
    this.#clock = { theirs: now, ours: localNow() };
    this.#range = rangeFrom(kept, marks, now);
  }

  /** Learns the extension's clock anew. */
  set now(now: number) {
    this.#clock = { theirs: now, ours: this.#localNow() };
  }

  get now(): number {
    return this.#clock.theirs + this.#localNow() - this.#clock.ours;
  }

  get range(): Range {
    return atMoment(this.#range, this.now);
  }

  /** What the editor is to keep. */
  get kept(): Pick<ViewState, 'span' | 'to'> {
    const { follows, to } = this.#range;
    return { span: spanOf(this.#range), to: follows ? undefined : to };
  }

  zoom(factor: number, anchor: number): void {
    this.#range = zoomed(this.range, factor, anchor);
  }

  /** Moves by a share of the visible range; positive: to later times. */
  pan(share: number): void {
    const { range } = this;
    this.#range = panned(range, share * spanOf(range), this.now);
  }

  /** @param first the time of the oldest mark, if there is one. */
  fit(first: number | undefined): void {
    this.#range = wholeRange(first, this.now);
  }

  /** Begins to follow the present, or stays where it is. */
  toggleFollowing(): void {
    const { range } = this;
    this.#range = range.follows ? { ...range, follows: false } : following(spanOf(range), this.now);
  }

  reveal(at: number): void {
    this.#range = revealing(this.range, at, this.now);
  }

  /**
   * In how many ms the picture reads differently while it follows: when a pixel has passed, within bounds.
   * @param width of the time axis, in CSS pixels.
   */
  pace(width: number): number {
    return Math.min(Math.max(spanOf(this.#range) / width, PACE.quickest), PACE.slowest);
  }
}

/** A range of which nothing is known any more, after a reload of the window, is not worth going back to. */
function rangeFrom(
  { span, to }: Pick<ViewState, 'span' | 'to'>,
  marks: readonly StoredMark[],
  now: number,
): Range {
  const first = firstRange(marks[0]?.at, now);
  if (span === undefined) return first;
  if (to === undefined) return following(span, now);
  const isKnown = between(marks, to - span, to).length > 0;
  return isKnown ? { from: to - span, to, follows: false } : first;
}
