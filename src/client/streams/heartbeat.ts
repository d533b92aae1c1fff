/** Gaps that must be about as long before they are taken for a heartbeat. */
const REGULAR_GAPS = 3;
/** By how much the longest of them may exceed the shortest: a factor, and on top of it so many ms. */
const TOLERANCE = 1.5;
const SLACK_MS = 250;
/** Whatever comes in a quicker row is a burst of messages, in ms. */
const SHORTEST_BEAT_MS = 1000;
/** So many beats may fail to come before a stream is in doubt. */
export const BEATS_MISSED = 3;

/** Learns from when something is heard on a stream whether its server sends a heartbeat, and how often. */
export class Heartbeat {
  #gaps: number[] = [];
  #heardAt: number | undefined;
  #periodMs: number | undefined;

  /** A new stream: between the last thing heard on another one and the first on this is no beat. */
  restart(): void {
    this.#heardAt = undefined;
    this.#gaps = [];
  }

  heard(now: number): void {
    const gap = this.#heardAt === undefined ? 0 : now - this.#heardAt;
    this.#heardAt = now;
    if (gap < SHORTEST_BEAT_MS) return;
    this.#gaps = [...this.#gaps, gap].slice(-REGULAR_GAPS);
    const longest = Math.max(...this.#gaps);
    const isRegular = longest <= Math.min(...this.#gaps) * TOLERANCE + SLACK_MS;
    if (this.#gaps.length === REGULAR_GAPS && isRegular) this.#periodMs = longest;
  }

  /** After how much silence a stream on which something was heard is in doubt, in ms; undefined: no heartbeat is known. */
  get silenceMs(): number | undefined {
    return this.#heardAt === undefined || this.#periodMs === undefined
      ? undefined
      : this.#periodMs * BEATS_MISSED;
  }
}
