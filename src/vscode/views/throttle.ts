import { type CancelTimer, type Clock, systemClock } from '../../base/environment.ts';

/** Throttles redraws: coalesces requests, and redraws again when the drawing expires. */
export class Throttle {
  readonly #draw: () => number | undefined;
  readonly #clock: Clock;
  #cancel: CancelTimer = () => {};
  /** By the monotonic clock. */
  #dueAt = Number.POSITIVE_INFINITY;

  /** @param draw returns the ms after which the drawing expires, if it does */
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

  /** Redraws within `ms`. An earlier redraw stays scheduled. */
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
