import { describeError, type ErrorCode } from '../protocol/errors.ts';
import type { Request } from '../protocol/message.ts';
import { type AttemptFailure, type AttemptResult, isUnreached, needsPerson } from './attempt.ts';
import { type BackOff, createBackOff } from './back-off.ts';
import { type Clock, deadline } from './environment.ts';
import type { Gate } from './gate.ts';
import { untilNextAttempt } from './next-attempt.ts';
import type { RecoveryOptions } from './options.ts';
import type { Session } from './session.ts';
import { type HealingState, isHealing, nextAttempt } from './state.ts';
import type { Outcome, WireMaker } from './wire.ts';

export interface RecoveryContext {
  readonly gate: Gate;
  readonly clock: Clock;
  readonly random: () => number;
  readonly newId: () => string;
  readonly options: RecoveryOptions;
  readonly maker: Pick<WireMaker, 'origin' | 'knock'>;
  /** How long the connection is tried before it is called down, in ms; asked anew at each attempt. */
  readonly patienceMs: () => number;
  /** Opens a session and restores what the last one held. */
  readonly open: (signal: AbortSignal) => Promise<AttemptResult>;
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
  readonly #confirming = new Map<Session, Promise<Confirmation>>();
  #openings: { readonly at: number; readonly session: Session }[] = [];
  #running = false;
  #pause = new AbortController();
  #isWanted = false;
  #opening: { readonly since: number; readonly abandoned: AbortController } | undefined;
  #lastAttempt = { at: 0, isUnreached: false };
  #misled = 0;
  #unproven = 0;
  #lastLost: Session | undefined;
  #backOff: BackOff;

  constructor(context: RecoveryContext) {
    this.#context = context;
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
  noteLoss(session: Session): void {
    if (this.#lastLost === session) return;
    this.#lastLost = session;
    if (session.proven) this.#unproven = 0;
    else if (!session.disturbed) this.#unproven++;
  }

  noteProof(): void {
    this.#unproven = 0;
  }

  /**
   * Asks the server, once however many ask at the same time, whether a session is alive: one `ping` on it.
   * A server must answer a ping; one that refuses it does not honour the session.
   */
  confirm(session: Session): Promise<Confirmation> {
    const underWay = this.#confirming.get(session);
    if (underWay) return underWay;
    const asked = this.#ask(session).finally(() => this.#confirming.delete(session));
    this.#confirming.set(session, asked);
    return asked;
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
    const { gate } = this.#context;
    const { session } = gate;
    if (!session) return this.#fail({ reason: 'there is no session to ask', failure: 'SERVER_UNAVAILABLE' });
    const answer = await this.confirm(session);
    const { generation } = session;
    if (answer.kind === 'alive') {
      session.heardAt = this.#context.clock.monotonic();
      gate.apply({ kind: 'answered', generation });
    } else if (answer.kind === 'lost') {
      this.noteLoss(session);
      gate.apply({ kind: 'lost', generation, reason: answer.because });
    } else {
      this.#fail({ ...answer, reason: answer.because, final: needsPerson(answer.failure) });
    }
  }

  async #attemptToOpen(): Promise<void> {
    const { gate, options, clock } = this.#context;
    if (this.#isHopeless && gate.state.kind !== 'down') return this.#failAsNotKept();
    // Cut off and made again, it would be another session at a server that is merely slow.
    const abandoned = new AbortController();
    const limit = deadline(clock, options.openLimitMs, this.#stop.signal, abandoned.signal);
    this.#opening = { since: clock.monotonic(), abandoned };
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
    this.#opening = undefined;
    if (result.kind === 'failed') {
      if (result.failure === 'SESSION_NOT_KEPT') this.#unproven++;
      if (this.#isHopeless) return this.#failAsNotKept();
      const isLate = limit.signal.aborted && !abandoned.signal.aborted;
      const reason = isLate ? `no answer within ${options.openLimitMs} ms` : result.reason;
      return this.#fail({ ...result, reason });
    }
    this.#openings.push({ at: clock.monotonic(), session: result.session });
    gate.open(result.session);
  }

  /** New sessions were refused so often in a row that one more would be refused as well. */
  get #isHopeless(): boolean {
    return this.#unproven >= this.#context.options.maxUnprovenSessions;
  }

  #failAsNotKept(): void {
    const reason =
      `${this.#unproven} new sessions in a row were refused at once; the server does not keep its sessions ` +
      '(several replicas without session affinity?)';
    this.#fail({ reason, failure: 'SESSION_NOT_KEPT', final: true });
  }

  #fail({ reason, failure, retryAfterMs = 0, isUnreached = false, final = false }: AttemptFailure): void {
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

  async #ask(session: Session): Promise<Confirmation> {
    const ping: Request = { jsonrpc: '2.0', id: this.#context.newId(), method: 'ping' };
    const { clock, options } = this.#context;
    const limit = deadline(clock, options.attemptTimeoutMs, this.#stop.signal);
    const outcome = await session.wire.request(ping, { signal: limit.signal }).finally(limit.release);
    if (outcome.kind === 'aborted') {
      const because = session.ended.signal.aborted
        ? 'the session was replaced'
        : `no answer to a ping within ${options.attemptTimeoutMs} ms`;
      return { kind: 'unavailable', because, failure: 'SERVER_UNAVAILABLE' };
    }
    return confirmationOf(outcome);
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

/** What a `ping` on a session showed. */
export type Confirmation =
  | { readonly kind: 'alive' }
  /** `outright`: it was said in words or by the status that the spec names, and not merely by a refusal of the ping. */
  | { readonly kind: 'lost'; readonly outright: boolean; readonly because: string }
  | {
      readonly kind: 'unavailable';
      readonly because: string;
      readonly failure: ErrorCode;
      readonly retryAfterMs?: number | undefined;
      /** Nobody was there to be asked. */
      readonly isUnreached?: boolean;
    };

function confirmationOf(outcome: Outcome): Confirmation {
  switch (outcome.kind) {
    case 'answered':
    case 'accepted':
      return { kind: 'alive' };
    case 'lost':
      return { kind: 'lost', outright: true, because: outcome.because };
    case 'unclear':
      return { kind: 'lost', outright: outcome.outright, because: outcome.because };
    case 'failed':
      return confirmationOfFailure(outcome.error);
    default: {
      const because = 'because' in outcome ? outcome.because : 'the ping was given up';
      const answer = { kind: 'unavailable', because, failure: 'SERVER_UNAVAILABLE' } as const;
      if (outcome.kind !== 'unavailable') return answer;
      return { ...answer, retryAfterMs: outcome.retryAfterMs, isUnreached: isUnreached(outcome) };
    }
  }
}

/** A refusal that is not about the session: a server that refuses our ping for its form is alive all the same. */
function confirmationOfFailure(error: {
  code: ErrorCode;
  message: string;
  status: number | undefined;
}): Confirmation {
  const isServersFault = error.status === undefined || error.status >= 500;
  if (error.code === 'UNAUTHORIZED' || error.status === 403 || isServersFault) {
    const failure = error.code === 'UNAUTHORIZED' ? error.code : 'SERVER_UNAVAILABLE';
    return { kind: 'unavailable', because: error.message, failure };
  }
  return { kind: 'alive' };
}
