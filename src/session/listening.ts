import { type BackOff, createBackOff } from './back-off.ts';
import { type Clock, sleep } from './environment.ts';
import type { Evidence } from './evidence.ts';
import type { Gate } from './gate.ts';
import type { Journal } from './journal.ts';
import type { Session } from './session.ts';
import type { ListenOutcome } from './wire.ts';

export interface ListeningContext {
  readonly gate: Gate;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: () => number;
  /** Wait before the stream is opened again after a good end, where the server names none, in ms. */
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  readonly evidence: Evidence;
}

/**
 * Keeps the server's own stream open for as long as a session lives, and notices by it what happens while nobody
 * calls: a server that is killed breaks its stream.
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
        onHeard: () => {
          session.heardAt = this.#context.clock.monotonic();
        },
        onEventId: (id) => {
          lastEventId = id;
        },
      });
      this.#setListening(session, false, outcome);
      if (signal.aborted) return;
      if (outcome.kind === 'resumeRefused') lastEventId = undefined;
      if (!(await this.#goesOn(session, outcome, backOff))) return;
    }
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
        if (await this.#context.evidence.check(session)) {
          journal.record({ kind: 'streamNotOffered', generation, status: outcome.status });
          return false;
        }
        break;
      case 'gone':
        // Nothing can be asked of it any more; what comes next is a new one.
        this.#context.evidence.unavailable(session, outcome.because);
        break;
      case 'broken':
        // A server that is killed breaks its stream: ask at once, so that it heals before the next call.
        await this.#context.evidence.check(session);
        break;
      case 'unavailable':
        await this.#context.evidence.check(session);
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
