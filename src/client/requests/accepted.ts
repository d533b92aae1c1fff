import { type Clock, sleep } from '../../base/environment.ts';
import type { Evidence } from '../recovery/evidence.ts';
import type { Session } from '../session/session.ts';
import type { Outcome } from '../wire/wire.ts';
import type { PendingCall } from './pending.ts';

export interface AcceptedContext {
  readonly clock: Clock;
  readonly evidence: Evidence;
  /** How often the server is asked by `ping` meanwhile, in ms; 0: never. */
  readonly busyPingMs: number;
}

/**
 * Requests that were taken by 202: some servers answer them on their own stream instead. That takes as long as it takes,
 * but not all of `silenceLimitMs` at a server that takes everything so, and does not know the session: a ping shows it.
 */
export class Accepted {
  readonly #context: AcceptedContext;

  constructor(context: AcceptedContext) {
    this.#context = context;
  }

  /** The answer that comes another way; or the end of the session, of its streams, or of the call, if that comes first. */
  async answerTo(call: PendingCall, session: Session): Promise<Outcome> {
    const over = new AbortController();
    const signal = AbortSignal.any([session.ended.signal, call.signal]);
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const onAbort = () =>
      resolve(
        call.signal.aborted
          ? { kind: 'aborted' }
          : { kind: 'broken', because: 'its session ended before the answer came' },
      );
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const streamless = session.onStreamless(() => resolve({ kind: 'accepted' }));
    void this.#ask(session, AbortSignal.any([signal, over.signal]));
    try {
      return await Promise.race([call.elsewhere, promise]);
    } finally {
      streamless.dispose();
      over.abort();
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #ask(session: Session, signal: AbortSignal): Promise<void> {
    const { clock, evidence, busyPingMs } = this.#context;
    while (busyPingMs > 0 && !signal.aborted) {
      await sleep(clock, busyPingMs, signal, { background: true });
      if (!signal.aborted && evidence.canBeAsked) await evidence.check(session);
    }
  }
}
