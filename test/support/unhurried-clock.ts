import type { Clock } from '../../src/base/environment.ts';

/** How much of a wait is counted in turns of the event loop, in ms; what is longer passes as on any clock before. */
const COUNTED_MS = 100;
/** How often the event loop goes round for each ms that is counted: an exchange on loopback takes some ten rounds. */
const ROUNDS = 4;

interface Timer {
  readonly at: number;
  readonly callback: () => void;
  readonly isBackground: boolean;
}

/**
 * The platform's time, which never runs ahead of this process: the last part of each wait passes by no more than a
 * millisecond for some turns of the event loop. A process that gets no processor for a while finds its timers due
 * together with the bytes that came meanwhile, and would see to the timers first: then an answer that was there in time
 * counts as late. Here the client and the server of a scenario have each as many turns as the wait has milliseconds,
 * however busy the machine is.
 */
export class UnhurriedClock implements Clock {
  readonly #timers = new Set<Timer>();
  /** How late it was at the last turn, and when that was. */
  #passed = 0;
  #seen = performance.now();
  /** How much may pass before the next turn. */
  #step = Number.POSITIVE_INFINITY;
  #turn: NodeJS.Timeout | undefined;

  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return Math.floor(this.#exact());
  }

  after(ms: number, callback: () => void, options?: { readonly background?: boolean }): () => void {
    const timer = { at: this.#exact() + ms, callback, isBackground: options?.background ?? false };
    this.#timers.add(timer);
    this.#plan();
    return () => {
      if (this.#timers.delete(timer)) this.#plan();
    };
  }

  #exact(): number {
    return this.#passed + Math.min(this.#step, performance.now() - this.#seen);
  }

  #plan(): void {
    const all = [...this.#timers];
    const next = Math.min(...all.map(({ at }) => at)) - this.#exact();
    const step = next > COUNTED_MS ? next - COUNTED_MS : 1;
    // A turn that is counted already goes on: it adds no more than its millisecond, whatever is set in it.
    if (step !== 1 || this.#step !== 1) this.#begin(step);
    if (all.every(({ isBackground }) => isBackground)) this.#turn?.unref();
    else this.#turn?.ref();
  }

  #begin(step: number): void {
    this.#passed = this.#exact();
    this.#seen = performance.now();
    this.#step = step;
    clearTimeout(this.#turn);
    if (step === Number.POSITIVE_INFINITY) return;
    this.#turn = setTimeout(() => this.#round(step === 1 ? ROUNDS : 1), Math.min(step, 0x7fffffff));
  }

  /** One more time round the event loop, unless what is waited for has changed meanwhile. */
  #round(left: number, began = this.#seen): void {
    if (began !== this.#seen) return;
    if (left === 1) this.#onTurn();
    else setImmediate(() => this.#round(left - 1, began));
  }

  #onTurn(): void {
    this.#begin(Number.POSITIVE_INFINITY);
    const due = [...this.#timers].filter(({ at }) => at <= this.#passed).sort((a, b) => a.at - b.at);
    for (const timer of due) this.#timers.delete(timer);
    this.#plan();
    for (const { callback } of due) callback();
  }
}

/** Of this process. */
export const unhurriedClock: Clock = new UnhurriedClock();
