import { type Clock, sleep } from '../../base/environment.ts';
import type { Evidence } from '../recovery/evidence.ts';
import type { Calls } from '../requests/calls.ts';
import type { Session } from '../session/session.ts';

export interface LivenessOptions {
  /** How often an idle session without a stream of the server is asked whether it lives, in ms; 0: never. */
  readonly idlePingMs: number;
  /** After how much silence the server is asked while a request is under way, in ms; 0: never. */
  readonly busyPingMs: number;
  /** After how much silence a request under way is broken off, in ms; 0: never. */
  readonly silenceLimitMs: number;
}

export interface LivenessContext extends LivenessOptions {
  readonly clock: Clock;
  readonly calls: Calls;
  readonly evidence: Evidence;
}

/**
 * Notices what no stream shows: a session that expired while idle, a server that froze, a peer that vanished without
 * closing its socket. A server that does not answer pings is shown as unreachable, but what it works on is not touched:
 * many servers are busy with a call and answer nothing else meanwhile. Only silence over `silenceLimitMs` ends a call.
 */
export class Liveness {
  readonly #context: LivenessContext;

  constructor(context: LivenessContext) {
    this.#context = context;
  }

  /** Runs until the session ends. Never rejects. */
  async keep(session: Session): Promise<void> {
    const { clock, calls, idlePingMs, busyPingMs, silenceLimitMs, evidence } = this.#context;
    const { signal } = session.ended;
    const period = Math.min(...[idlePingMs, busyPingMs, silenceLimitMs].filter((ms) => ms > 0));
    if (!Number.isFinite(period)) return;
    while (!signal.aborted) {
      await sleep(clock, period, signal, { background: true });
      if (signal.aborted) return;
      calls.breakSilent(session);
      if (!this.#isDue(session)) continue;
      await evidence.check(session);
    }
  }

  #isDue(session: Session): boolean {
    const { clock, idlePingMs, busyPingMs, evidence } = this.#context;
    const silence = clock.monotonic() - session.heardAt;
    if (session.isBusy) return busyPingMs > 0 && silence >= busyPingMs;
    // Without an id nothing can expire, and with a stream the death of the server shows by itself. That one cannot be
    // asked may have been an accident.
    const isOfInterest = !session.listening || !evidence.canBeAsked;
    const canExpire = session.agreement.sessionId !== undefined && isOfInterest;
    return canExpire && idlePingMs > 0 && silence >= idlePingMs;
  }
}
