import { type Clock, sleep } from '../../base/environment.ts';
import type { KeepAliveTimes } from '../connection-options.ts';
import type { SessionHealth } from '../session/health.ts';
import type { Session } from '../session/session.ts';

export interface KeepAliveOptions extends KeepAliveTimes {
  readonly clock: Clock;
  /** Breaks off the requests that have been silent for too long on a session. */
  readonly breakSilent: (session: Session) => void;
  readonly health: SessionHealth;
}

/**
 * Notices what no stream shows: a session that expired while idle, a server that froze, a peer that vanished without
 * closing its socket. A server that does not answer pings is shown as unreachable, but what it works on is not touched:
 * many servers are busy with a call and answer nothing else meanwhile. Only silence over `silenceLimitMs` ends a call.
 */
export class KeepAlive {
  readonly #options: KeepAliveOptions;

  constructor(options: KeepAliveOptions) {
    this.#options = options;
  }

  /** Runs until the session ends. Never rejects. */
  async keep(session: Session): Promise<void> {
    const { clock, breakSilent, idlePingMs, busyPingMs, silenceLimitMs, health } = this.#options;
    const { signal } = session.ended;
    const period = Math.min(...[idlePingMs, busyPingMs, silenceLimitMs].filter((ms) => ms > 0));
    if (!Number.isFinite(period)) return;
    while (!signal.aborted) {
      await sleep(clock, period, signal, { background: true });
      if (signal.aborted) return;
      breakSilent(session);
      if (!this.#isDue(session)) continue;
      await health.check(session);
    }
  }

  #isDue(session: Session): boolean {
    const { clock, idlePingMs, busyPingMs, health } = this.#options;
    const silence = clock.monotonic() - session.heardAt;
    if (session.isBusy) return busyPingMs > 0 && silence >= busyPingMs;
    // Without an id nothing can expire, and with a stream the death of the server shows by itself. That one cannot be
    // asked may have been an accident.
    const isOfInterest = !session.listening || !health.canBeAsked;
    const canExpire = session.negotiated.sessionId !== undefined && isOfInterest;
    return canExpire && idlePingMs > 0 && silence >= idlePingMs;
  }
}
