import { type Clock, deadline } from '../../base/environment.ts';
import { describeError } from '../../protocol/errors.ts';
import type { RecoveryOptions } from '../options.ts';
import type { Gate } from '../session/gate.ts';
import type { Session } from '../session/session.ts';
import type { SessionTerminator } from '../session/terminator.ts';
import type { AttemptResult } from './attempt.ts';

export interface SharedOpeningOptions {
  readonly gate: Gate;
  readonly terminator: SessionTerminator;
  readonly clock: Clock;
  readonly options: RecoveryOptions;
  /** Aborted when the connection closes. */
  readonly closing: AbortSignal;
  /** Opens a session and restores what the last one held. */
  readonly open: (signal: AbortSignal) => Promise<AttemptResult>;
}

/** An `initialize` that is on its way. */
interface Opening {
  readonly since: number;
  readonly abandoned: AbortController;
  readonly result: Promise<AttemptResult>;
}

/** One `initialize` at a time: whoever wants a session while one is being opened gets that one. */
export class SharedOpening {
  readonly #options: SharedOpeningOptions;
  #openings: { readonly at: number; readonly session: Session }[] = [];
  #underWay: Opening | undefined;

  constructor(options: SharedOpeningOptions) {
    this.#options = options;
  }

  open(): Promise<AttemptResult> {
    if (this.#underWay) return this.#underWay.result;
    const abandoned = new AbortController();
    const result = this.#open(abandoned.signal).finally(() => {
      this.#underWay = undefined;
    });
    this.#underWay = { since: this.#options.clock.monotonic(), abandoned, result };
    return result;
  }

  /** Puts an opened session in place, unless it is. */
  take(session: Session): void {
    const { gate } = this.#options;
    if (gate.session !== session) gate.open(session);
  }

  /** Ends an opened session that is not to be used. */
  discard(session: Session): void {
    void this.#options.terminator.retire(session, true);
  }

  /** Gives up an attempt that has taken longer than most do. */
  abandonLate(): void {
    const { clock, options } = this.#options;
    const opening = this.#underWay;
    if (opening && clock.monotonic() - opening.since >= options.attemptTimeoutMs) opening.abandoned.abort();
  }

  /**
   * Storm control: beyond the budget, sessions are replaced no faster than the window lets them. One that has answered
   * a request costs nothing: a server that loses its session after each call is slow, and not dead.
   * @returns when the next session may be opened, by the monotonic clock; 0: now
   */
  budgetEndsAt(): number {
    const { options, clock } = this.#options;
    const windowBegan = clock.monotonic() - options.budgetWindowMs;
    this.#openings = this.#openings.filter(({ at, session }) => at > windowBegan && !session.proven);
    const last = this.#openings.at(-1);
    if (!last || this.#openings.length < options.budget) return 0;
    return last.at + options.budgetWindowMs / options.budget;
  }

  async #open(abandoned: AbortSignal): Promise<AttemptResult> {
    const { options, clock, closing, open } = this.#options;
    // Cut off and made again, it would be another session at a server that is merely slow.
    const limit = deadline(clock, options.openLimitMs, closing, abandoned);
    const result = await open(limit.signal)
      .catch(
        (error): AttemptResult => ({
          kind: 'failed',
          reason: describeError(error),
          failure: 'SERVER_UNAVAILABLE',
        }),
      )
      .finally(limit.release);
    if (result.kind === 'opened') return this.#kept(result.session);
    const isLate = limit.signal.aborted && !abandoned.aborted;
    return isLate ? { ...result, reason: `no answer within ${options.openLimitMs} ms` } : result;
  }

  /** A session that was being opened when the connection was paused is not kept. */
  #kept(session: Session): AttemptResult {
    const { gate, clock } = this.#options;
    if (gate.state.kind === 'paused') {
      this.discard(session);
      return { kind: 'failed', reason: 'the connection was paused', failure: 'CONNECTION_PAUSED' };
    }
    this.#openings.push({ at: clock.monotonic(), session });
    return { kind: 'opened', session };
  }
}
