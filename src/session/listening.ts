import { type BackOff, createBackOff } from './back-off.ts';
import { type Clock, sleep } from './environment.ts';
import type { Gate } from './gate.ts';
import type { Journal } from './journal.ts';
import type { Recovery } from './recovery.ts';
import type { Session } from './session.ts';
import type { ListenOutcome } from './wire.ts';

export interface ListeningContext {
  readonly gate: Gate;
  readonly recovery: Recovery;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: () => number;
  /** Wait before the stream is opened again after a good end, where the server names none, in ms. */
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  /** How often a session without a stream is asked whether it lives, in ms; 0: never. */
  readonly idlePingMs: number;
  /** Something showed that the session is gone or the server away. */
  readonly onLost: (session: Session, reason: string) => void;
  readonly onUnavailable: (session: Session, reason: string) => void;
}

/**
 * Keeps the server's own stream open for as long as a session lives, and notices what happens while nobody calls:
 * a stream that breaks, or, where none is offered, an unanswered idle `ping`.
 */
export class Listening {
  readonly #context: ListeningContext;

  constructor(context: ListeningContext) {
    this.#context = context;
  }

  /** Runs until the session ends. Never rejects. */
  async keep(session: Session): Promise<void> {
    const { signal } = session.ended;
    let lastEventId: string | undefined;
    let backOff = this.#newBackOff();
    while (!signal.aborted) {
      const outcome = await session.wire.listen({
        signal,
        lastEventId,
        onOpen: () => {
          backOff = this.#newBackOff();
          this.#setListening(session, true);
        },
        onEventId: (id) => {
          lastEventId = id;
        },
      });
      this.#setListening(session, false, outcome);
      if (signal.aborted) return;
      if (outcome.kind === 'resumeRefused') lastEventId = undefined;
      if (!(await this.#goesOn(session, outcome, backOff))) break;
    }
    await this.#pingWhileIdle(session);
  }

  /** What to do after the stream ended; false: this server offers none. */
  async #goesOn(session: Session, outcome: ListenOutcome, backOff: BackOff): Promise<boolean> {
    const { signal } = session.ended;
    const { clock, journal, initialDelayMs } = this.#context;
    const { generation } = session;
    switch (outcome.kind) {
      case 'notOffered':
        journal.record({ kind: 'streamNotOffered', generation, status: outcome.status });
        return false;
      case 'unclear':
        // A 404 on the GET proves nothing (claude-code#62198). A ping does.
        if (await this.#isAlive(session)) {
          journal.record({ kind: 'streamNotOffered', generation, status: outcome.status });
          return false;
        }
        break;
      case 'broken':
        // A server that is killed breaks its stream: ask at once, so that it heals before the next call.
        await this.#isAlive(session);
        break;
      case 'unavailable':
        await this.#isAlive(session);
        await sleep(clock, Math.max(backOff.next(), outcome.retryAfterMs ?? 0), signal);
        break;
      case 'ended':
        await sleep(clock, outcome.retryMs ?? initialDelayMs, signal);
        break;
      default:
        await sleep(clock, initialDelayMs, signal);
    }
    return this.#whileCurrent(session);
  }

  async #pingWhileIdle(session: Session): Promise<void> {
    const { clock, idlePingMs } = this.#context;
    const { signal } = session.ended;
    // Without an id nothing can expire, and a restart goes unnoticed by design.
    if (idlePingMs <= 0 || session.agreement.sessionId === undefined) return;
    while (!signal.aborted) {
      const quietFor = clock.now() - session.heardAt;
      await sleepInBackground(clock, Math.max(idlePingMs - quietFor, 0), signal);
      if (signal.aborted) return;
      if (clock.now() - session.heardAt < idlePingMs) continue;
      if (await this.#isAlive(session)) session.heardAt = clock.now();
      if (!(await this.#whileCurrent(session))) return;
    }
  }

  /** One ping; what it shows is reported. */
  async #isAlive(session: Session): Promise<boolean> {
    const { recovery, gate } = this.#context;
    if (!gate.isCurrent(session) || gate.state.kind !== 'ready') return false;
    const answer = await recovery.confirm(session);
    if (answer.kind === 'lost') this.#context.onLost(session, answer.because);
    if (answer.kind === 'unavailable') this.#context.onUnavailable(session, answer.because);
    return answer.kind === 'alive';
  }

  /** Waits out an outage; true when this same session came back from it. */
  async #whileCurrent(session: Session): Promise<boolean> {
    const { gate } = this.#context;
    const { signal } = session.ended;
    while (gate.isCurrent(session) && gate.state.kind !== 'ready' && !signal.aborted)
      await gate.changed(signal);
    return gate.isCurrent(session) && !signal.aborted;
  }

  #setListening(session: Session, listening: boolean, outcome?: ListenOutcome): void {
    if (session.listening === listening) return;
    session.listening = listening;
    const { generation } = session;
    if (listening) this.#context.journal.record({ kind: 'streamOpened', generation });
    else {
      const reason = outcome && 'because' in outcome ? outcome.because : (outcome?.kind ?? 'ended');
      this.#context.journal.record({ kind: 'streamEnded', generation, reason });
    }
  }

  #newBackOff(): BackOff {
    const { initialDelayMs, maxDelayMs, random } = this.#context;
    return createBackOff({ initialDelayMs, maxDelayMs, random });
  }
}

function sleepInBackground(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return sleep(clock, ms, signal, { background: true });
}
