import { type Clock, within } from '../../base/environment.ts';
import type { Response } from '../../protocol/message.ts';
import type { Refusal } from '../../protocol/refusal.ts';
import type { UnprovenSessions } from '../recovery/unproven-sessions.ts';
import type { Gate } from './gate.ts';
import type { KnownRefusals } from './known-refusals.ts';
import type { Pinger, ProbeResult } from './pinger.ts';
import type { Session } from './session.ts';
import { isUsable } from './state.ts';

export interface SessionHealthOptions {
  readonly gate: Gate;
  readonly pinger: Pinger;
  readonly refusals: KnownRefusals;
  readonly unproven: UnprovenSessions;
  readonly clock: Clock;
  /** How long a request waits for a session, in ms, at this moment. */
  readonly patienceMs: () => number;
}

/**
 * Reports to the gate what was observed about a session: lost, unavailable, alive. It is the only judge of a ping. A
 * report about a session that is no longer the current one changes nothing. The absence of a proof is no proof: a ping
 * that fails decides nothing alone.
 */
export class SessionHealth {
  readonly #options: SessionHealthOptions;

  constructor(options: SessionHealthOptions) {
    this.#options = options;
  }

  /** The server says that the session is gone. */
  reportLost(session: Session, reason: string): void {
    const { gate, unproven } = this.#options;
    if (!gate.isCurrent(session)) return;
    unproven.noteLoss(session, reason);
    gate.apply({ kind: 'lost', generation: session.generation, reason });
  }

  /**
   * The server does not answer, or says that it is busy for so many ms.
   * @param wasHeard whether it has said so itself: then it is there
   */
  reportUnavailable(session: Session, reason: string, retryAfterMs?: number, wasHeard = false): void {
    const { gate } = this.#options;
    if (!gate.isCurrent(session)) return;
    if (!wasHeard && gate.state.kind === 'ready') session.outages++;
    session.disturbed = true;
    this.reportDisturbed();
    const { state } = gate;
    const wasWaitingInDoubt =
      state.kind === 'unreachable' && state.requestsGoOut && state.nextAttemptAt !== undefined;
    const notBefore = this.#notBefore(retryAfterMs);
    gate.apply({ kind: 'unavailable', generation: session.generation, reason, notBefore });
    if (wasWaitingInDoubt) gate.want();
  }

  /** The server is there, and lets nobody in. */
  reportNotLetIn(session: Session, reason: string): void {
    const { gate } = this.#options;
    if (!gate.isCurrent(session)) return;
    session.disturbed = true;
    gate.apply({ kind: 'unavailable', generation: session.generation, reason });
  }

  /** A request that went out at `sentAt` was answered: better than any ping. */
  reportAnswered(session: Session, sentAt: number): void {
    const { gate, pinger } = this.#options;
    pinger.noteAnswer(session, sentAt);
    if (isUsable(gate.state)) gate.apply({ kind: 'answered', generation: session.generation });
  }

  /** A connection to the server broke: it may have restarted, and mean by the same words another thing from now on. */
  reportDisturbed(): void {
    this.#options.refusals.forget();
  }

  /**
   * Asks by one `ping` whether the session lives, and reports what that shows. A refusal that is no word of the session
   * is not reported: whoever asked has a new session tried first.
   */
  async probe(session: Session): Promise<ProbeResult> {
    const { gate, pinger, clock } = this.#options;
    const result = await pinger.ping(session);
    switch (result.kind) {
      case 'alive':
        session.heardAt = clock.monotonic();
        gate.apply({ kind: 'answered', generation: session.generation });
        break;
      case 'lost':
        this.reportLost(session, result.because);
        break;
      case 'away':
        if (!result.refusal) this.reportUnavailable(session, result.because);
        break;
      case 'silent':
      case 'refused':
        this.#reportDoubt(session, result.because);
        break;
      default:
    }
    return result;
  }

  /** The same, but waits no longer than what goes on without can be asked to wait: what a server usually takes. */
  async probeBriefly(session: Session, limitMs = this.#options.pinger.briefMs): Promise<ProbeResult> {
    const { pinger, clock } = this.#options;
    const late: ProbeResult = { kind: 'silent', because: 'no answer to a ping so far' };
    const leftMs = pinger.leftMs(session, limitMs);
    return pinger.isMute || leftMs === 0 ? late : within(clock, leftMs, this.probe(session), late);
  }

  /** The same for what has its answer, and the question is whether that is one: `proofTimeoutMs`. */
  probeOfAnswer(session: Session): Promise<ProbeResult> {
    return this.probeBriefly(session, this.#options.pinger.proofTimeoutMs);
  }

  /** The same, where nobody waits for it: only of a session that is held and not in doubt already. */
  async check(session: Session): Promise<boolean> {
    const { gate } = this.#options;
    if (!gate.isCurrent(session) || gate.state.kind !== 'ready') return false;
    const result = await this.probe(session);
    if (result.kind === 'away' && result.refusal) this.reportNotLetIn(session, result.because);
    return result.kind === 'alive';
  }

  /** An answer that came on the server's own stream, if it is that to a ping. */
  answerElsewhere(response: Response): void {
    this.#options.pinger.answerElsewhere(response);
  }

  /** Whether a ping shows anything: not of a server that answers requests, and no pings. */
  get canBeAsked(): boolean {
    return !this.#options.pinger.isFutile;
  }

  /** Whether this refusal was shown to mean no lost session. */
  isKnown(refusal: Refusal): boolean {
    return this.#options.refusals.includes(refusal);
  }

  /** A new session was refused in the same way, as pings are: it does not mean a lost one, of neither. */
  noteRefusedAnew(refusal: Refusal): void {
    this.noteHarmless(refusal);
    this.#options.pinger.noteFutility();
  }

  /** The session answered a ping all the same: it does not mean a lost one. */
  noteHarmless(refusal: Refusal): void {
    this.#options.refusals.remember(refusal);
  }

  #reportDoubt(session: Session, reason: string): void {
    const { gate, pinger } = this.#options;
    if (pinger.isFutile || !gate.isCurrent(session)) return;
    gate.apply({ kind: 'unavailable', generation: session.generation, reason, byPing: true });
  }

  /**
   * Until when a server is left alone that asked for it. One that asks for more than anybody waits is asked at once: it
   * may have meant that one request.
   */
  #notBefore(retryAfterMs = 0): number | undefined {
    const { clock, patienceMs } = this.#options;
    return retryAfterMs > 0 && retryAfterMs <= patienceMs() ? clock.monotonic() + retryAfterMs : undefined;
  }
}
