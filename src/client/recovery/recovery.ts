import { type BackOff, createBackOff } from '../../base/back-off.ts';
import { type Clock, deadline } from '../../base/environment.ts';
import { describeError } from '../../protocol/errors.ts';
import { isUnavailable } from '../../protocol/verdict.ts';
import type { RecoveryOptions } from '../options.ts';
import type { Gate } from '../session/gate.ts';
import type { Session } from '../session/session.ts';
import { type HealingState, isHealing, nextAttempt } from '../session/state.ts';
import type { WireMaker } from '../wire/wire.ts';
import { type Asking, type Confirmation, isRefused } from './asking.ts';
import { type AttemptFailure, type AttemptResult, needsPerson } from './attempt.ts';
import { Beside } from './beside.ts';
import { untilNextAttempt } from './next-attempt.ts';

export interface RecoveryContext {
  readonly gate: Gate;
  readonly asking: Asking;
  readonly clock: Clock;
  readonly random: () => number;
  readonly options: RecoveryOptions;
  readonly maker: Pick<WireMaker, 'origin' | 'knock'>;
  /** How long the connection is tried before it is called down, in ms; asked anew at each attempt. */
  readonly patienceMs: () => number;
  /** Opens a session and restores what the last one held. */
  readonly open: (signal: AbortSignal) => Promise<AttemptResult>;
  /** Ends a session that was opened and is not to be used. */
  readonly discard: (session: Session) => void;
}

/** An `initialize` that is on its way. */
interface Opening {
  readonly since: number;
  readonly abandoned: AbortController;
  readonly result: Promise<AttemptResult>;
}

/** How long a server is left alone that asks for more, while nobody calls, in ms. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * How often in one outage a knock may be heard and nobody be there a moment later, before no more is given on knocks:
 * what listens is not the server.
 */
const MAX_MISLED = 5;

/**
 * Works on getting a session for as long as the state asks for one: asks the kept session whether it lives, or opens
 * a new one. However many requests saw the loss, this loop runs once (design.md, decision 5), and it never gives up:
 * once patience is used up the connection is called down and attempts go on slowly (decision 7).
 */
export class Recovery {
  readonly #context: RecoveryContext;
  readonly #stop = new AbortController();
  readonly #beside: Beside;
  #openings: { readonly at: number; readonly session: Session }[] = [];
  #running = false;
  #pause = new AbortController();
  #isWanted = false;
  #opening: Opening | undefined;
  #lastWords = '';
  #lastAttempt = { at: 0, isUnreached: false };
  #misled = 0;
  #unproven = 0;
  #lastLost: Session | undefined;
  #backOff: BackOff;

  constructor(context: RecoveryContext) {
    this.#context = context;
    this.#beside = new Beside({
      ...context,
      open: () => this.#open(),
      take: (session) => this.#take(session),
    });
    this.#backOff = this.#newBackOff();
  }

  /** Begins, unless it is already under way or nothing is to be done. */
  start(): void {
    if (this.#running || !isHealing(this.#context.gate.state)) return;
    this.#running = true;
    this.#misled = 0;
    this.#backOff = this.#newBackOff();
    void this.#run().finally(() => {
      this.#running = false;
      this.start();
    });
  }

  /** Makes the next attempt now; while one is under way, another as soon as that has failed. */
  wake(): void {
    this.#isWanted = true;
    this.#pause.abort();
  }

  /** As {@link wake}; one that has taken longer than most do is given up for it: who asks has reason to doubt it. */
  renew(): void {
    const { clock, options } = this.#context;
    const opening = this.#opening;
    this.wake();
    if (opening && clock.monotonic() - opening.since >= options.attemptTimeoutMs) opening.abandoned.abort();
  }

  /**
   * Until when a server is left alone that asked for it. One that asks for more than anybody waits is asked at once: it
   * may have meant that one request.
   */
  notBefore(retryAfterMs = 0): number | undefined {
    const { clock, patienceMs } = this.#context;
    return retryAfterMs > 0 && retryAfterMs <= patienceMs() ? clock.monotonic() + retryAfterMs : undefined;
  }

  stop(): void {
    this.#stop.abort();
    this.#pause.abort();
  }

  /** A session was lost. One that had never answered a request counts toward "the server does not keep sessions". */
  noteLoss(session: Session, reason: string): void {
    if (this.#lastLost === session) return;
    this.#lastLost = session;
    this.#lastWords = reason;
    if (session.proven) this.#unproven = 0;
    else if (!session.disturbed) this.#unproven++;
  }

  noteProof(): void {
    this.#unproven = 0;
  }

  /** Opens a session beside one that is refused, which is replaced if that succeeds: see {@link Beside}. */
  replace(session: Session, reason: string): Promise<boolean> {
    return this.#beside.replace(session, reason);
  }

  async #run(): Promise<void> {
    const { gate } = this.#context;
    while (isHealing(gate.state)) {
      await this.#untilDue();
      const state = gate.state;
      if (!isHealing(state)) return;
      gate.apply({ kind: 'attemptStarted' });
      if (nextAttempt(state) === 'ask') await this.#attemptToAsk();
      else await this.#attemptToOpen();
    }
  }

  async #attemptToAsk(): Promise<void> {
    const { gate, asking, clock } = this.#context;
    const { session } = gate;
    if (!session) return this.#fail({ reason: 'there is no session to ask', failure: 'SERVER_UNAVAILABLE' });
    const answer = await asking.ask(session);
    const { generation } = session;
    if (isRefused(answer) && (await this.#beside.afterPings(session, answer))) return;
    switch (answer.kind) {
      case 'alive':
        session.heardAt = clock.monotonic();
        return gate.apply({ kind: 'answered', generation });
      case 'lost':
        this.noteLoss(session, answer.because);
        return gate.apply({ kind: 'lost', generation, reason: answer.because });
      case 'away':
        if (isRefused(answer) && asking.isFutile) break;
        return this.#fail({ ...answer, reason: answer.because, final: needsPerson(answer.failure) });
      default:
        if (!asking.isFutile) return this.#fail({ ...asFailure(answer), failure: 'SERVER_UNAVAILABLE' });
    }
    // Nothing is to be learnt this way of a server that has answered requests all the same.
    gate.apply({ kind: 'answered', generation });
  }

  async #attemptToOpen(): Promise<void> {
    if (this.#isHopeless && this.#context.gate.state.kind !== 'down') return this.#failAsNotKept();
    const result = await this.#open();
    if (result.kind === 'opened') return this.#take(result.session);
    if (result.failure === 'SESSION_NOT_KEPT') this.#unproven++;
    if (this.#isHopeless) return this.#failAsNotKept();
    this.#fail(result);
  }

  /** One `initialize` at a time: whoever wants a session while one is being opened gets that one. */
  #open(): Promise<AttemptResult> {
    if (this.#opening) return this.#opening.result;
    const abandoned = new AbortController();
    const result = this.#openOne(abandoned.signal).finally(() => {
      this.#opening = undefined;
    });
    this.#opening = { since: this.#context.clock.monotonic(), abandoned, result };
    return result;
  }

  async #openOne(abandoned: AbortSignal): Promise<AttemptResult> {
    const { options, clock } = this.#context;
    // Cut off and made again, it would be another session at a server that is merely slow.
    const limit = deadline(clock, options.openLimitMs, this.#stop.signal, abandoned);
    const result = await this.#context
      .open(limit.signal)
      .catch(
        (error): AttemptResult => ({
          kind: 'failed',
          reason: describeError(error),
          failure: 'SERVER_UNAVAILABLE',
        }),
      )
      .finally(limit.release);
    const isLate = limit.signal.aborted && !abandoned.aborted;
    if (result.kind === 'opened') this.#openings.push({ at: clock.monotonic(), session: result.session });
    else if (isLate) return { ...result, reason: `no answer within ${options.openLimitMs} ms` };
    return result;
  }

  #take(session: Session): void {
    const { gate } = this.#context;
    if (gate.session !== session) gate.open(session);
  }

  /** New sessions were refused so often in a row that one more would be refused as well. */
  get #isHopeless(): boolean {
    return this.#unproven >= this.#context.options.maxUnprovenSessions;
  }

  #failAsNotKept(): void {
    const reason =
      `${this.#unproven} new sessions in a row were refused at once; the server does not keep its sessions ` +
      `(several replicas without session affinity?). It said: ${this.#lastWords}`;
    this.#fail({ reason, failure: 'SESSION_NOT_KEPT', final: true });
  }

  #fail({
    reason,
    failure,
    retryAfterMs = 0,
    isUnreached = false,
    final = false,
    byPing,
  }: AttemptFailure): void {
    const { gate, clock } = this.#context;
    this.#lastAttempt = { at: clock.monotonic(), isUnreached };
    const state = gate.state;
    if (!isHealing(state)) return;
    const now = clock.monotonic();
    const leftMs = state.troubledSince + this.#context.patienceMs() - now;
    const giveUp = final || leftMs <= 0 || retryAfterMs > leftMs;
    const wait = giveUp || state.kind === 'down' ? this.#probeInterval() : this.#backOff.next();
    gate.apply({
      kind: 'attemptFailed',
      reason,
      failure,
      giveUp,
      byPing,
      nextAttemptAt: now + Math.max(wait, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)),
    });
  }

  /** Waits for the time of the next attempt, unless somebody wants it now. */
  async #untilDue(): Promise<void> {
    const { gate } = this.#context;
    this.#pause = new AbortController();
    const state = gate.state;
    if (!isHealing(state)) return;
    const { at, isUnreached } = this.#lastAttempt;
    const notBefore = this.#budgetEndsAt(state);
    const next = {
      dueAt: Math.max(state.nextAttemptAt ?? 0, notBefore),
      notBefore,
      signsFrom: at + this.#context.options.maxDelayMs,
      knocks: isUnreached && this.#misled < MAX_MISLED,
      since: state.troubledSince,
    };
    if (!this.#isWanted) {
      const wasHeard = await untilNextAttempt(this.#context, next, this.#pause.signal);
      if (wasHeard) this.#misled++;
    }
    this.#isWanted = false;
  }

  /**
   * Storm control: beyond the budget, sessions are replaced no faster than the window lets them. One that has answered
   * a request costs nothing: a server that loses its session after each call is slow, and not dead.
   */
  #budgetEndsAt(state: HealingState): number {
    const { options, clock } = this.#context;
    if (nextAttempt(state) === 'ask') return 0;
    const windowBegan = clock.monotonic() - options.budgetWindowMs;
    this.#openings = this.#openings.filter(({ at, session }) => at > windowBegan && !session.proven);
    const last = this.#openings.at(-1);
    if (!last || this.#openings.length < options.budget) return 0;
    return last.at + options.budgetWindowMs / options.budget;
  }

  #newBackOff(): BackOff {
    const { options, random } = this.#context;
    return createBackOff({ initialDelayMs: options.initialDelayMs, maxDelayMs: options.maxDelayMs, random });
  }

  /** Spread by ±10 %, so that many windows of one editor do not ask in step. */
  #probeInterval(): number {
    return this.#context.options.probeIntervalMs * (0.9 + 0.2 * this.#context.random());
  }
}

/** A ping without an answer: the server is there, unless it said that it is busy, or a gateway said so in its place. */
function asFailure(
  answer: Exclude<Confirmation, { kind: 'alive' | 'lost' | 'away' }>,
): Omit<AttemptFailure, 'failure'> {
  const { because: reason } = answer;
  if (answer.kind !== 'refused') return { reason, byPing: true };
  return { reason, retryAfterMs: answer.retryAfterMs, byPing: !isUnavailable(answer.refusal.status) };
}
