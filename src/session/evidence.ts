import type { Clock } from './environment.ts';
import type { Gate } from './gate.ts';
import type { Confirmation, Recovery } from './recovery.ts';
import type { Session } from './session.ts';

/**
 * What was seen of a session, brought before the gate. Whoever sees something reports it here; what is said of a
 * session that is no longer the current one changes nothing.
 */
export class Evidence {
  readonly #gate: Gate;
  readonly #recovery: Recovery;
  readonly #clock: Clock;

  constructor(gate: Gate, recovery: Recovery, clock: Clock) {
    this.#gate = gate;
    this.#recovery = recovery;
    this.#clock = clock;
  }

  /** The server says that the session is gone. */
  lost(session: Session, reason: string): void {
    if (!this.#gate.isCurrent(session)) return;
    this.#recovery.noteLoss(session);
    this.#gate.apply({ kind: 'lost', generation: session.generation, reason });
  }

  /** The server does not answer, or says that it is busy for so many ms. */
  unavailable(session: Session, reason: string, retryAfterMs?: number): void {
    if (!this.#gate.isCurrent(session)) return;
    session.disturbed = true;
    const notBefore = this.#recovery.notBefore(retryAfterMs);
    this.#gate.apply({ kind: 'unavailable', generation: session.generation, reason, notBefore });
  }

  /** Asks by one `ping` whether the session lives, reports what that shows, and says it. */
  async ask(session: Session): Promise<Confirmation> {
    const answer = await this.#recovery.confirm(session);
    if (answer.kind === 'alive') session.heardAt = this.#clock.monotonic();
    if (answer.kind === 'lost') this.lost(session, answer.because);
    if (answer.kind === 'unavailable') this.unavailable(session, answer.because, answer.retryAfterMs);
    return answer;
  }

  /** The same, where nobody waits for it: only of a session that is held and not in doubt already. */
  async check(session: Session): Promise<boolean> {
    if (!this.#gate.isCurrent(session) || this.#gate.state.kind !== 'ready') return false;
    return (await this.ask(session)).kind === 'alive';
  }
}
