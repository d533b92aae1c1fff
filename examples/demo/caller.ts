import { EventEmitter } from 'node:events';
import { until } from '../../harness/until.ts';

export interface CallerOptions {
  /** Time from the beginning of one call to the beginning of the next, in ms, whether or not the first has ended. */
  readonly intervalMs: number;
  /** Told of every call that got no answer, and why. */
  readonly onLost: (reason: unknown) => void;
}

/**
 * Calls a server several times a second, as a busy agent would, and keeps count: each call is answered or lost. A call is
 * what its owner wanted done once; what the owner does to find out how it ended is part of it.
 */
export class Caller {
  calls = 0;
  answered = 0;
  lost = 0;
  readonly #errand: (n: number) => Promise<void>;
  readonly #options: CallerOptions;
  readonly #ends = new EventEmitter<{ end: [number] }>();
  #ticker: NodeJS.Timeout | undefined;

  /** @param errand does the call with this running number; it rejects when there was no answer */
  constructor(errand: (n: number) => Promise<void>, options: CallerOptions) {
    this.#errand = errand;
    this.#options = options;
  }

  /** Calls that have begun and not ended. */
  get waiting(): number {
    return this.calls - this.answered - this.lost;
  }

  begin(): void {
    this.#ticker = setInterval(() => void this.perform(this.#errand), this.#options.intervalMs);
  }

  /** Begins no more calls. */
  halt(): void {
    clearInterval(this.#ticker);
  }

  /** Begins no more calls, and waits until the last has ended. */
  async finish(): Promise<void> {
    this.halt();
    await this.idle();
  }

  /** Does one call beside the regular ones. It is counted like them, and never rejects. */
  async perform(errand: (n: number) => Promise<void>): Promise<void> {
    const n = ++this.calls;
    try {
      await errand(n);
      this.answered++;
    } catch (error) {
      this.lost++;
      this.#options.onLost(error);
    }
    this.#ends.emit('end', this.waiting);
  }

  /** Waits until `count` more calls have ended. */
  async settled(count: number): Promise<void> {
    let left = count;
    await this.#untilEnd(() => --left <= 0, `the end of ${count} more calls`);
  }

  /** Waits for a moment at which no call is under way. */
  async idle(): Promise<void> {
    if (this.waiting > 0)
      await this.#untilEnd((waiting) => waiting === 0, 'a moment without a call under way');
  }

  async #untilEnd(predicate: (waiting: number) => boolean, what: string): Promise<void> {
    const subscribe = (listener: (waiting: number) => void) => {
      this.#ends.on('end', listener);
      return () => this.#ends.off('end', listener);
    };
    await until(subscribe, predicate, { timeoutMs: 60_000, what });
  }
}
