import { ResilientMcpError } from '../../protocol/errors.ts';
import type { Notification } from '../../protocol/message.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { Gate } from '../session/gate.ts';
import type { SessionHealth } from '../session/health.ts';
import type { Session } from '../session/session.ts';

export interface NotificationLimits {
  readonly patienceMs: number;
  /** How often one notification follows its session to the next. */
  readonly maxAttempts: number;
}

/** The client's notifications: each on the session of the moment; one that is refused follows it to the next. */
export class Notifications {
  readonly #gate: Gate;
  readonly #health: SessionHealth;
  readonly #closing: AbortSignal;
  readonly #limits: NotificationLimits;

  /** @param closing aborted when the connection closes */
  constructor(gate: Gate, health: SessionHealth, closing: AbortSignal, limits: NotificationLimits) {
    this.#gate = gate;
    this.#health = health;
    this.#closing = closing;
    this.#limits = limits;
  }

  /** @throws ResilientMcpError when it was not taken, and could not or must not be sent again */
  async deliver(notification: Notification): Promise<void> {
    const { patienceMs, maxAttempts } = this.#limits;
    const waiter = { signal: this.#closing, patienceMs, triggeredAttempt: false };
    for (let attempt = 1; ; attempt++) {
      const session = await this.#gate.ready(waiter);
      const outcome = await session.wire.notify(notification);
      if (outcome.kind === 'accepted' || outcome.kind === 'answered') return;
      const comesAgain = (await this.#comesAgain(session, outcome)) || mayComeTwice(notification, outcome);
      if (!comesAgain || attempt >= maxAttempts) throw notDelivered(notification, outcome);
    }
  }

  async #comesAgain(session: Session, outcome: Outcome): Promise<boolean> {
    switch (outcome.kind) {
      case 'lost':
        this.#health.reportLost(session, outcome.because);
        return true;
      case 'unclear':
        return (await this.#health.probe(session)).kind === 'lost' || !this.#gate.isCurrent(session);
      case 'unavailable':
      case 'broken':
        this.#health.reportUnavailable(session, outcome.because);
        return outcome.kind === 'unavailable' && outcome.interruption !== 'unknown';
      case 'aborted':
        // Its session was replaced under it, by a reset; the next one is to hear it all the same.
        return !this.#closing.aborted;
      default:
        return false;
    }
  }
}

/** Said twice it means the same, and without it a server serves nothing. */
function mayComeTwice({ method }: Notification, { kind }: Outcome): boolean {
  return method === 'notifications/initialized' && kind === 'broken';
}

function notDelivered(notification: Notification, outcome: Outcome): ResilientMcpError {
  if (outcome.kind === 'failed') return outcome.error;
  const otherwise = outcome.kind === 'unclear' ? outcome.otherwise : undefined;
  if (otherwise?.kind === 'failed' && otherwise.error.code === 'UNAUTHORIZED') return otherwise.error;
  const because = 'because' in outcome ? outcome.because : outcome.kind;
  return new ResilientMcpError('SERVER_UNAVAILABLE', `${notification.method} was not delivered: ${because}`);
}
