import type { Clock } from '../../src/base/environment.ts';

/** A clock that stands still until it is told to go on. Timers fire in the order in which they are due. */
export class HeldClock implements Clock {
  #now: number;
  /** Of another origin, so that a moment of the one clock that is taken for one of the other shows. */
  #monotonic = 5000;
  readonly #onSet: (() => void)[] = [];
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  constructor(now = 1_000_000) {
    this.#now = now;
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Resolves when a timer is set that falls due in exactly so many ms from now. */
  async isSet(ms: number): Promise<void> {
    while (!this.#timers.some(({ at }) => at === this.#monotonic + ms)) {
      await new Promise<void>((resolve) => this.#onSet.push(resolve));
    }
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  /** Sets the wall clock on, or back, as sleep and NTP do: nothing falls due by it. */
  jump(ms: number): void {
    this.#now += ms;
  }

  /** Lets `ms` pass as it does for a process that is stopped: what falls due in it comes late. */
  stop(ms: number): void {
    this.#goTo(this.#monotonic + ms);
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#monotonic + ms, callback };
    this.#timers.push(timer);
    for (const tell of this.#onSet.splice(0)) tell();
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** Lets `ms` pass, with everything that falls due in it and all that follows from it at once. */
  async advance(ms: number): Promise<void> {
    const until = this.#monotonic + ms;
    for (;;) {
      await settle();
      const [next] = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#goTo(Math.max(this.#monotonic, next.at));
      next.callback();
    }
    this.#goTo(until);
    await settle();
  }

  #goTo(moment: number): void {
    this.#now += moment - this.#monotonic;
    this.#monotonic = moment;
  }
}

/** Lets every promise that can settle without the world's help settle. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
