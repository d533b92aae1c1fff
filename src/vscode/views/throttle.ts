import { type CancelTimer, type Clock, systemClock } from '../../base/environment.ts';

/** Throttles redraws: requests meanwhile are one, and a drawing that expires is drawn again. */
export class Throttle {
  readonly #draw: () => number | undefined;
  readonly #clock: Clock;
  #cancel: CancelTimer = () => {};
  /** By the monotonic clock. */
  #dueAt = Number.POSITIVE_INFINITY;

  /** @param draw says after how many ms it has to be done again, if it has */
  constructor(draw: () => number | undefined, clock = systemClock) {
    this.#draw = draw;
    this.#clock = clock;
  }

  now(): void {
    this.#cancel();
    this.#dueAt = Number.POSITIVE_INFINITY;
    const againMs = this.#draw();
    if (againMs !== undefined) this.within(againMs);
  }

  /** At the latest in so many ms. What is due sooner stays so. */
  within(ms: number): void {
    const at = this.#clock.monotonic() + ms;
    if (at >= this.#dueAt) return;
    this.#cancel();
    this.#dueAt = at;
    this.#cancel = this.#clock.after(ms, () => this.now(), { background: true });
  }

  dispose(): void {
    this.#cancel();
  }
}
