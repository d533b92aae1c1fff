import type { Clock } from '../../base/environment.ts';
import { type Refusal, refusalKind } from '../../protocol/refusal.ts';

/** How many kinds of refusal are remembered; the oldest goes first. */
export const MAX_KNOWN_REFUSALS = 32;
/** How long one is, in ms. A server may come to use the words of its everyday refusals for a lost session. */
export const KNOWN_REFUSAL_MS = 600_000;

/**
 * Refusals that were shown not to mean a lost session: the same came on a new one. Forgotten after a while, and when
 * the server was away, since a server that restarted may mean it this time.
 */
export class KnownRefusals {
  readonly #clock: Clock;
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  remember(refusal: Refusal): void {
    const kind = refusalKind(refusal);
    this.#until.delete(kind);
    this.#until.set(kind, this.#clock.monotonic() + KNOWN_REFUSAL_MS);
    const [oldest] = this.#until.keys();
    if (this.#until.size > MAX_KNOWN_REFUSALS && oldest !== undefined) this.#until.delete(oldest);
  }

  includes(refusal: Refusal): boolean {
    return this.#clock.monotonic() < (this.#until.get(refusalKind(refusal)) ?? 0);
  }

  forget(): void {
    this.#until.clear();
  }
}
