import { type Clock, sleep } from '../../base/environment.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { SessionHealth } from '../session/health.ts';
import type { Session } from '../session/session.ts';
import type { PendingRequest } from './pending-request.ts';

/**
 * Requests that were taken by 202: some servers answer them on their own stream instead. That takes as long as it takes,
 * but not all of `silenceLimitMs` at a server that takes everything so, and does not know the session: a ping shows it.
 */
export class AcceptedRequests {
  readonly #clock: Clock;
  readonly #health: SessionHealth;
  readonly #busyPingMs: number;

  /** @param busyPingMs how often the server is asked by `ping` meanwhile, in ms; 0: never */
  constructor(clock: Clock, health: SessionHealth, busyPingMs: number) {
    this.#clock = clock;
    this.#health = health;
    this.#busyPingMs = busyPingMs;
  }

  /** The answer that comes another way; or the end of the session, of its streams, or of the request, if that comes first. */
  async answerTo(pending: PendingRequest, session: Session): Promise<Outcome> {
    const over = new AbortController();
    const signal = AbortSignal.any([session.ended.signal, pending.signal]);
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const onAbort = () =>
      resolve(
        pending.signal.aborted
          ? { kind: 'aborted' }
          : { kind: 'broken', because: 'its session ended before the answer came' },
      );
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const streamless = session.onStreamless(() => resolve({ kind: 'accepted' }));
    void this.#ask(session, AbortSignal.any([signal, over.signal]));
    try {
      return await Promise.race([pending.elsewhere, promise]);
    } finally {
      streamless.dispose();
      over.abort();
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #ask(session: Session, signal: AbortSignal): Promise<void> {
    while (this.#busyPingMs > 0 && !signal.aborted) {
      await sleep(this.#clock, this.#busyPingMs, signal, { background: true });
      if (!signal.aborted && this.#health.canBeAsked) await this.#health.check(session);
    }
  }
}
