import { type Clock, deadline, nextTurn } from '../../base/environment.ts';
import type { Journal } from '../observe/journal.ts';
import type { TerminationResult } from '../wire/wire.ts';
import type { Session } from './session.ts';

/** How long a replaced session may finish what is under way on it, in ms. */
const DRAIN_MS = 10_000;

/** Why what lives with a session ends. Made once: the platform would make an error of its own each time, trace and all. */
const OVER = new Error('The session is over.');

export interface SessionTerminatorOptions {
  readonly clock: Clock;
  readonly journal: Journal;
  /** Aborted when the connection closes. */
  readonly closing: AbortSignal;
  /** How long the end of a session is waited for, in ms. */
  readonly timeoutMs: number;
}

/** Ends sessions politely, and never at anyone's expense. */
export class SessionTerminator {
  readonly #options: SessionTerminatorOptions;

  constructor(options: SessionTerminatorOptions) {
    this.#options = options;
  }

  /** Tells the server that a session is no longer needed (DELETE). Bounded in time; never rejects. */
  async end(session: Session): Promise<TerminationResult> {
    const { clock, timeoutMs, journal } = this.#options;
    const limit = deadline(clock, timeoutMs);
    const outcome = await session.wire.end(limit.signal).finally(limit.release);
    journal.record({ kind: 'sessionEnded', generation: session.generation, outcome });
    return outcome;
  }

  /**
   * Lets go of a session that is being replaced. Its stream ends at once; requests under way on it may still be
   * answered, since aborting them would turn a refusal that is about to come into an outcome that nobody knows.
   */
  async retire(session: Session, mayBeHeld: boolean): Promise<void> {
    const { clock, closing } = this.#options;
    session.ended.abort(OVER);
    if (session.isBusy) {
      const limit = deadline(clock, DRAIN_MS, closing);
      await session.idle(limit.signal);
      limit.release();
    }
    // What takes its place is asked for first.
    await nextTurn();
    if (mayBeHeld) await this.end(session);
    session.wire.abort();
  }
}
