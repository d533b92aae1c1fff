import { ResilientMcpError } from '../../protocol/errors.ts';
import type { Notification } from '../../protocol/message.ts';
import type { Evidence } from '../recovery/evidence.ts';
import type { Gate } from '../session/gate.ts';
import type { Session } from '../session/session.ts';
import type { Outcome } from '../wire/wire.ts';

export interface NoticesContext {
  readonly gate: Gate;
  readonly evidence: Evidence;
  /** Aborted when the connection closes. */
  readonly signal: AbortSignal;
  readonly patienceMs: number;
  /** How often one notification follows its session to the next. */
  readonly maxAttempts: number;
}

/** The client's notifications: each on the session of the moment; one that is refused follows it to the next. */
export class Notices {
  readonly #context: NoticesContext;

  constructor(context: NoticesContext) {
    this.#context = context;
  }

  /** @throws ResilientMcpError when it was not taken, and could not or must not be sent again */
  async deliver(notification: Notification): Promise<void> {
    const { gate, signal, patienceMs, maxAttempts } = this.#context;
    const waiter = { signal, patienceMs, hasWoken: false };
    for (let attempt = 1; ; attempt++) {
      const session = await gate.ready(waiter);
      const outcome = await session.wire.notify(notification);
      if (outcome.kind === 'accepted' || outcome.kind === 'answered') return;
      const comesAgain = (await this.#comesAgain(session, outcome)) || mayComeTwice(notification, outcome);
      if (!comesAgain || attempt >= maxAttempts) throw notDelivered(notification, outcome);
    }
  }

  async #comesAgain(session: Session, outcome: Outcome): Promise<boolean> {
    const { evidence, gate } = this.#context;
    switch (outcome.kind) {
      case 'lost':
        evidence.lost(session, outcome.because);
        return true;
      case 'unclear':
        return (await evidence.ask(session)).kind === 'lost' || !gate.isCurrent(session);
      case 'unavailable':
      case 'broken':
        evidence.unavailable(session, outcome.because);
        return outcome.kind === 'unavailable' && outcome.interruption !== 'unknown';
      case 'aborted':
        // Its session was replaced under it, by a reset; the next one is to hear it all the same.
        return !this.#context.signal.aborted;
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
