import { type BackOff, createBackOff } from '../../base/back-off.ts';
import type { Clock } from '../../base/environment.ts';
import { isUnavailable } from '../../protocol/verdict.ts';
import type { RecoveryOptions } from '../options.ts';
import type { Gate } from '../session/gate.ts';
import type { SessionHealth } from '../session/health.ts';
import { isRefused, type ProbeResult } from '../session/pinger.ts';
import { type HealingState, isHealing, nextAttempt } from '../session/state.ts';
import type { WireConnector } from '../wire/wire.ts';
import { type AttemptFailure, needsPerson } from './attempt.ts';
import { untilNextAttempt } from './next-attempt.ts';
import type { Replacement } from './replacement.ts';
import type { SharedOpening } from './shared-opening.ts';
import type { UnprovenSessions } from './unproven-sessions.ts';

export interface RecoveryContext {
  readonly gate: Gate;
  readonly health: SessionHealth;
  readonly opening: SharedOpening;
  readonly replacement: Replacement;
  readonly unproven: UnprovenSessions;
  readonly clock: Clock;
  readonly random: () => number;
  readonly options: RecoveryOptions;
  readonly connector: Pick<WireConnector, 'origin' | 'knock'>;
  /** How long the connection is tried before it is called down, in ms; asked anew at each attempt. */
  readonly patienceMs: () => number;
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
  #running = false;
  #pause = new AbortController();
  #isWanted = false;
  #lastAttempt = { at: 0, isUnreached: false };
  #misled = 0;
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
    this.wake();
    this.#context.opening.abandonLate();
  }

  stop(): void {
    this.#pause.abort();
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
    const { gate, health, replacement } = this.#context;
    const { session } = gate;
    if (!session) return this.#fail({ reason: 'there is no session to ask', failure: 'SERVER_UNAVAILABLE' });
    const result = await health.probe(session);
    if (isRefused(result) && (await replacement.afterPings(session, result))) return;
    switch (result.kind) {
      case 'alive':
      case 'lost':
        // The probe has told the gate.
        return;
      case 'away':
        if (isRefused(result) && !health.canBeAsked) break;
        return this.#fail({ ...result, reason: result.because, final: needsPerson(result.failure) });
      default:
        if (health.canBeAsked) return this.#fail({ ...asFailure(result), failure: 'SERVER_UNAVAILABLE' });
    }
    // Nothing is to be learnt this way of a server that has answered requests all the same.
    gate.apply({ kind: 'answered', generation: session.generation });
  }

  async #attemptToOpen(): Promise<void> {
    const { gate, opening, unproven } = this.#context;
    if (unproven.isHopeless && gate.state.kind !== 'down') return this.#failAsNotKept();
    const result = await opening.open();
    if (result.kind === 'opened') return opening.take(result.session);
    if (result.failure === 'SESSION_NOT_KEPT') unproven.noteRefusal();
    if (unproven.isHopeless) return this.#failAsNotKept();
    this.#fail(result);
  }

  #failAsNotKept(): void {
    this.#fail({ reason: this.#context.unproven.reason, failure: 'SESSION_NOT_KEPT', final: true });
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

  #budgetEndsAt(state: HealingState): number {
    return nextAttempt(state) === 'ask' ? 0 : this.#context.opening.budgetEndsAt();
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
  answer: Exclude<ProbeResult, { kind: 'alive' | 'lost' | 'away' }>,
): Omit<AttemptFailure, 'failure'> {
  const { because: reason } = answer;
  if (answer.kind !== 'refused') return { reason, byPing: true };
  return { reason, retryAfterMs: answer.retryAfterMs, byPing: !isUnavailable(answer.refusal.status) };
}
