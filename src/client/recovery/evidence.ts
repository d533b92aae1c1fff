import { type Clock, within } from '../../base/environment.ts';
import type { Refusal } from '../../protocol/refusal.ts';
import type { KnownRefusals } from '../requests/refusals.ts';
import type { Gate } from '../session/gate.ts';
import type { Session } from '../session/session.ts';
import { isUsable } from '../session/state.ts';
import type { Asking, Confirmation } from './asking.ts';
import type { Recovery } from './recovery.ts';

export interface EvidenceContext {
  readonly gate: Gate;
  readonly recovery: Recovery;
  readonly asking: Asking;
  readonly refusals: KnownRefusals;
  readonly clock: Clock;
}

/**
 * What was seen of a session, brought before the gate. Whoever sees something reports it here; what is said of a
 * session that is no longer the current one changes nothing. The absence of a proof is no proof: a ping that fails
 * decides nothing alone.
 */
export class Evidence {
  readonly #context: EvidenceContext;

  constructor(context: EvidenceContext) {
    this.#context = context;
  }

  /** The server says that the session is gone. */
  lost(session: Session, reason: string): void {
    const { gate, recovery } = this.#context;
    if (!gate.isCurrent(session)) return;
    recovery.noteLoss(session, reason);
    gate.apply({ kind: 'lost', generation: session.generation, reason });
  }

  /**
   * The server does not answer, or says that it is busy for so many ms.
   * @param wasHeard whether it has said so itself: then it is there
   */
  unavailable(session: Session, reason: string, retryAfterMs?: number, wasHeard = false): void {
    const { gate, recovery } = this.#context;
    if (!gate.isCurrent(session)) return;
    if (!wasHeard && gate.state.kind === 'ready') session.outages++;
    session.disturbed = true;
    this.disturbed();
    const wasInDoubt = gate.state.kind === 'unreachable' && isUsable(gate.state);
    const notBefore = recovery.notBefore(retryAfterMs);
    gate.apply({ kind: 'unavailable', generation: session.generation, reason, notBefore });
    if (wasInDoubt) recovery.wake();
  }

  /** The server is there, and lets nobody in. */
  notLetIn(session: Session, reason: string): void {
    const { gate } = this.#context;
    if (!gate.isCurrent(session)) return;
    session.disturbed = true;
    gate.apply({ kind: 'unavailable', generation: session.generation, reason });
  }

  /** A request that went out at `sentAt` was answered: better than any ping. */
  answered(session: Session, sentAt: number): void {
    const { gate, asking } = this.#context;
    asking.noteAnswer(session, sentAt);
    if (isUsable(gate.state)) gate.apply({ kind: 'answered', generation: session.generation });
  }

  /** Asks by one `ping` whether the session lives, reports what that shows, and says it. */
  async ask(session: Session): Promise<Confirmation> {
    const { asking, clock } = this.#context;
    const answer = await asking.ask(session);
    const { because = '' } = 'because' in answer ? answer : {};
    switch (answer.kind) {
      case 'alive':
        session.heardAt = clock.monotonic();
        break;
      case 'lost':
        this.lost(session, because);
        break;
      case 'away':
        // Refused as a request may be that does not know its session: whoever asked has a new one tried first.
        if (!answer.refusal) this.unavailable(session, because);
        break;
      case 'silent':
      case 'refused':
        this.#doubt(session, because);
        break;
      default:
    }
    return answer;
  }

  /** The same, but waits no longer than what goes on without can be asked to wait: what a server usually takes. */
  async askBriefly(session: Session, limitMs = this.#context.asking.briefMs): Promise<Confirmation> {
    const { asking, clock } = this.#context;
    const late: Confirmation = { kind: 'silent', because: 'no answer to a ping so far' };
    const leftMs = asking.leftMs(session, limitMs);
    return asking.isMute || leftMs === 0 ? late : within(clock, leftMs, this.ask(session), late);
  }

  /** The same for what has its answer, and the question is whether that is one: `proofTimeoutMs`. */
  askOfAnswer(session: Session): Promise<Confirmation> {
    return this.askBriefly(session, this.#context.asking.proofTimeoutMs);
  }

  /** The same, where nobody waits for it: only of a session that is held and not in doubt already. */
  async check(session: Session): Promise<boolean> {
    const { gate } = this.#context;
    if (!gate.isCurrent(session) || gate.state.kind !== 'ready') return false;
    const answer = await this.ask(session);
    if (answer.kind === 'away' && answer.refusal) this.notLetIn(session, answer.because);
    return answer.kind === 'alive';
  }

  /** Whether a ping shows anything: not of a server that answers requests, and no pings. */
  get canBeAsked(): boolean {
    return !this.#context.asking.isFutile;
  }

  /** Whether this refusal was shown to mean no lost session. */
  isKnown(refusal: Refusal): boolean {
    return this.#context.refusals.includes(refusal);
  }

  /** A new session was refused in the same way, as pings are: it does not mean a lost one, of neither. */
  noteRefusedAnew(refusal: Refusal): void {
    this.noteHarmless(refusal);
    this.#context.asking.noteFutility();
  }

  /** The session answered a ping all the same: it does not mean a lost one. */
  noteHarmless(refusal: Refusal): void {
    this.#context.refusals.remember(refusal);
  }

  /** A connection to the server broke: it may have restarted, and mean by the same words another thing from now on. */
  disturbed(): void {
    this.#context.refusals.forget();
  }

  /** Opens a session beside this one, which is taken for lost if that succeeds and kept if not; true: it was replaced. */
  replace(session: Session, reason: string): Promise<boolean> {
    return this.#context.recovery.replace(session, reason);
  }

  #doubt(session: Session, reason: string): void {
    const { gate, asking } = this.#context;
    if (asking.isFutile || !gate.isCurrent(session)) return;
    gate.apply({ kind: 'unavailable', generation: session.generation, reason, byPing: true });
  }
}
