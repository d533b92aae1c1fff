import { ResilientMcpError } from '../protocol/errors.ts';
import type { Request, RequestId, Response } from '../protocol/message.ts';
import { type Interruption, mayReplay } from '../protocol/replay.ts';
import { type BackOff, createBackOff } from './back-off.ts';
import type { Catalog } from './catalog.ts';
import { type Clock, sleep } from './environment.ts';
import type { Gate } from './gate.ts';
import type { Journal } from './journal.ts';
import type { Limits, RecoveryOptions, ReplayOptions } from './options.ts';
import { PendingCall } from './pending.ts';
import type { Confirmation, Recovery } from './recovery.ts';
import type { Session } from './session.ts';
import type { Outcome } from './wire.ts';

/** Resumptions in a row without a new event, before a stream counts as broken. */
const MAX_IDLE_RESUMES = 5;

export interface CallsContext {
  readonly gate: Gate;
  readonly recovery: Recovery;
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: () => number;
  readonly limits: Limits;
  readonly recoveryOptions: RecoveryOptions;
  readonly replay: ReplayOptions;
  readonly patienceMs: number;
  readonly proofAfterMs: number;
  /** The first wait before a broken stream is resumed, in ms, where the server names none. */
  readonly resumeDelayMs: number;
  /** An answered request, for whoever learns from traffic. */
  readonly onAnswered: (request: Request, response: Response, session: Session) => void;
}

/** What is to be done after an exchange: give the answer, or go round again. */
type Step = { readonly answer: Response } | 'again';

/**
 * The requests under way. Each runs in a loop of its own: get a session, send, look at how it ended, and then answer,
 * send again, or fail. What may not be sent twice is never sent twice.
 */
export class Calls {
  readonly #context: CallsContext;
  readonly #pending = new Map<RequestId, PendingCall>();

  constructor(context: CallsContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#pending.size;
  }

  get(id: RequestId): PendingCall | undefined {
    return this.#pending.get(id);
  }

  /**
   * Sends a request and waits for its answer, over as many sessions as it takes. Resolves with undefined when it was
   * cancelled: its caller has stopped waiting.
   * @throws ResilientMcpError `OUTCOME_UNKNOWN`, `SERVER_UNAVAILABLE`, `SESSION_NOT_KEPT`, `HTTP_STATUS`,
   *   `UNAUTHORIZED`, `STALE_CURSOR`, `PROTOCOL_VIOLATION`, `LIMIT_EXCEEDED`, `CONNECTION_CLOSED`
   */
  async run(request: Request): Promise<Response | undefined> {
    const { clock, patienceMs, limits, journal, gate } = this.#context;
    if (this.#pending.size >= limits.maxPendingRequests) {
      throw new ResilientMcpError(
        'LIMIT_EXCEEDED',
        `${limits.maxPendingRequests} requests are under way (option limits.maxPendingRequests).`,
      );
    }
    const call = new PendingCall(request, clock.now(), patienceMs);
    this.#pending.set(call.id, call);
    const { method } = request;
    const { tool } = call;
    try {
      const response = await this.#loop(call);
      const durationMs = clock.now() - call.startedAt;
      journal.record({
        kind: 'requestAnswered',
        generation: gate.state.generation,
        method,
        tool,
        durationMs,
      });
      return response;
    } catch (error) {
      const { generation } = gate.state;
      if (call.cancelled) {
        journal.record({ kind: 'requestCancelled', generation, method, tool });
        return undefined;
      }
      const code = error instanceof ResilientMcpError ? error.code : 'BUG';
      const reason = error instanceof Error ? error.message : String(error);
      const kind = code === 'OUTCOME_UNKNOWN' ? 'outcomeUnknown' : 'requestFailed';
      journal.record({ kind, generation, method, tool, code, reason });
      throw error;
    } finally {
      // A client that reuses an id while it is pending would lose its own answer; the later one keeps its place.
      if (this.#pending.get(call.id) === call) this.#pending.delete(call.id);
    }
  }

  async #loop(call: PendingCall): Promise<Response> {
    const backOff = this.#newBackOff();
    for (;;) {
      const session = await this.#context.gate.ready(call);
      this.#refuseStaleCursor(call, session);
      if (!(await this.#isProven(call, session))) continue;
      const step = await this.#settle(call, session, await this.#exchange(call, session), backOff);
      if (step !== 'again') return step.answer;
    }
  }

  async #exchange(call: PendingCall, session: Session): Promise<Outcome> {
    // A stream belongs to its session: on another one the request begins anew.
    if (call.resumeFrom?.session !== session) call.resumeFrom = undefined;
    const { resumeFrom } = call;
    call.session = session;
    call.sent = true;
    const options = {
      signal: call.signal,
      onEventId: (lastEventId: string) => {
        call.idleResumes = 0;
        call.resumeFrom = { session, lastEventId };
      },
    };
    const asked = resumeFrom
      ? session.wire.resume(call.request, resumeFrom.lastEventId, options)
      : session.wire.request(call.request, options);
    const elsewhere = call.elsewhere.then((response): Outcome => ({ kind: 'answered', response }));
    try {
      const outcome = await session.during(Promise.race([asked, elsewhere]));
      // 202 for a request: some servers answer it on their own stream instead. As long as the session lasts.
      return outcome.kind === 'accepted'
        ? await Promise.race([elsewhere, untilEnded(session, call)])
        : outcome;
    } finally {
      call.session = undefined;
    }
  }

  async #settle(call: PendingCall, session: Session, outcome: Outcome, backOff: BackOff): Promise<Step> {
    switch (outcome.kind) {
      case 'answered':
        this.#context.onAnswered(call.request, outcome.response, session);
        return { answer: outcome.response };
      case 'lost':
        return this.#afterLoss(call, session, outcome.because, 'notExecuted');
      case 'unclear':
        return this.#afterDoubt(call, session, outcome, backOff);
      case 'unavailable':
        return this.#afterUnavailable(call, session, outcome, backOff);
      case 'broken':
        return this.#afterBreak(call, session, outcome, backOff);
      case 'failed':
        throw outcome.error;
      case 'accepted':
        throw new ResilientMcpError(
          'PROTOCOL_VIOLATION',
          'The server accepted the request without answering it.',
        );
      case 'aborted':
        return this.#afterAbort(call, session);
    }
  }

  /** Refused with the session: certainly not run, unless it was a stream of it that could not be resumed. */
  #afterLoss(call: PendingCall, session: Session, because: string, interruption: Interruption): Step {
    this.#reportLoss(session, `${because} (${call.request.method})`);
    call.losses++;
    // The recovery is under way on its behalf; if that ends in `down`, this call is not to have it tried once more.
    call.hasWoken = true;
    if (call.losses > this.#context.recoveryOptions.maxUnprovenSessions + 1) {
      throw new ResilientMcpError(
        'SESSION_NOT_KEPT',
        `The server refused ${call.losses} sessions in a row for this request: ${because}`,
        {
          advice:
            'If several replicas serve this address, give it session affinity, or use a stateless server.',
        },
      );
    }
    return this.#replayOrFail(call, interruption, because);
  }

  /** It may be the session: one `ping` decides, once per request. */
  async #afterDoubt(
    call: PendingCall,
    session: Session,
    outcome: Extract<Outcome, { kind: 'unclear' }>,
    backOff: BackOff,
  ): Promise<Step> {
    const { gate, recovery } = this.#context;
    // Another request has had the session replaced meanwhile: the refusal was about the old one.
    if (!gate.isCurrent(session))
      return this.#afterLoss(call, session, outcome.because, outcome.interruption);
    const answer: Confirmation = call.doubted ? { kind: 'alive' } : await recovery.confirm(session);
    call.doubted = true;
    if (answer.kind === 'alive') return this.#settle(call, session, outcome.otherwise, backOff);
    if (answer.kind === 'lost') return this.#afterLoss(call, session, answer.because, outcome.interruption);
    this.#reportUnavailable(session, answer.because);
    return this.#replayOrFail(call, outcome.interruption, answer.because);
  }

  async #afterUnavailable(
    call: PendingCall,
    session: Session,
    outcome: Extract<Outcome, { kind: 'unavailable' }>,
    backOff: BackOff,
  ): Promise<Step> {
    const { status, retryAfterMs } = outcome;
    // 429 is about this caller's rate, and 408 about this request; the server itself is well.
    const isAboutServer = status === undefined || status >= 500;
    if (isAboutServer) this.#reportUnavailable(session, outcome.because, retryAfterMs);
    const step = this.#replayOrFail(call, outcome.interruption, outcome.because, outcome.cause);
    // A server that says "busy" to a call may still answer pings: the call keeps its own distance.
    if (status !== undefined)
      await this.#wait(call, Math.max(backOff.next(), retryAfterMs ?? 0), outcome.because);
    return step;
  }

  async #afterBreak(
    call: PendingCall,
    session: Session,
    outcome: Extract<Outcome, { kind: 'broken' }>,
    backOff: BackOff,
  ): Promise<Step> {
    const { gate } = this.#context;
    const resumable =
      call.resumeFrom?.session === session && !outcome.resumeRefused && gate.isCurrent(session);
    if (resumable && call.idleResumes++ < MAX_IDLE_RESUMES) {
      // The server may close a stream at will once it gave an event id (SEP-1699); nothing is known to be wrong.
      await this.#wait(
        call,
        outcome.retryMs ?? Math.min(backOff.next(), this.#context.resumeDelayMs),
        outcome.because,
      );
      return 'again';
    }
    call.resumeFrom = undefined;
    this.#reportUnavailable(session, outcome.because);
    return this.#replayOrFail(call, 'unknown', outcome.because, outcome.cause);
  }

  #afterAbort(call: PendingCall, session: Session): Step {
    if (call.cancelled) throw new ResilientMcpError('CONNECTION_CLOSED', 'The request was cancelled.');
    if (this.#context.gate.state.kind === 'closed') {
      throw new ResilientMcpError('CONNECTION_CLOSED', 'The connection was closed before the answer came.');
    }
    const because = session.ended.signal.aborted ? 'its session was replaced' : 'the exchange was aborted';
    return this.#replayOrFail(call, 'unknown', because);
  }

  #replayOrFail(call: PendingCall, interruption: Interruption, because: string, cause?: unknown): Step {
    const decision = this.#mayReplay(call, interruption);
    if (!decision.replay) {
      const what = call.tool === undefined ? call.request.method : `The call of ${call.tool}`;
      throw new ResilientMcpError(
        'OUTCOME_UNKNOWN',
        `${what} may or may not have run: ${because}. It was not sent again, since ${decision.because}.`,
        { cause, advice: 'Check whether it took effect before you call it again.' },
      );
    }
    const { method } = call.request;
    const { generation } = this.#context.gate.state;
    this.#context.journal.record({
      kind: 'requestReplayed',
      generation,
      method,
      tool: call.tool,
      because: `${because}; ${decision.because}`,
    });
    return 'again';
  }

  #mayReplay(call: PendingCall, interruption: Interruption) {
    const { replay, catalog } = this.#context;
    const { tool } = call;
    const policy = (tool === undefined ? undefined : replay.tools[tool]) ?? replay.default;
    return mayReplay(
      call.request,
      interruption,
      tool === undefined ? undefined : catalog.hints(tool),
      policy,
    );
  }

  /**
   * Before a request that may not be repeated goes out after a silence, the server is asked: a pooled socket whose
   * peer died looks, after sending, just like a call that was cut short (protocol.md, 0.8). A ping may be repeated.
   */
  async #isProven(call: PendingCall, session: Session): Promise<boolean> {
    const { clock, recovery, gate, proofAfterMs } = this.#context;
    const silence = clock.now() - session.heardAt;
    if (session.listening || silence < proofAfterMs || call.resumeFrom) return true;
    if (this.#mayReplay(call, 'unknown').replay) return true;
    const answer = await recovery.confirm(session);
    if (answer.kind === 'alive') {
      session.heardAt = clock.now();
      return gate.isCurrent(session);
    }
    if (answer.kind === 'lost') this.#reportLoss(session, answer.because);
    else this.#reportUnavailable(session, answer.because, answer.retryAfterMs);
    return false;
  }

  #refuseStaleCursor(call: PendingCall, session: Session): void {
    if (!this.#context.catalog.isStale(call.request, session.generation)) return;
    throw new ResilientMcpError(
      'STALE_CURSOR',
      `The page cursor of this ${call.request.method} belongs to a session that is gone.`,
      { advice: 'List again from the start.' },
    );
  }

  #reportLoss(session: Session, reason: string): void {
    const { gate, recovery } = this.#context;
    if (!gate.isCurrent(session)) return;
    recovery.noteLoss(session);
    gate.apply({ kind: 'lost', generation: session.generation, reason });
  }

  #reportUnavailable(session: Session, reason: string, retryAfterMs?: number): void {
    const { gate, clock } = this.#context;
    if (!gate.isCurrent(session)) return;
    const notBefore = retryAfterMs === undefined ? undefined : clock.now() + retryAfterMs;
    gate.apply({ kind: 'unavailable', generation: session.generation, reason, notBefore });
  }

  /** Waits within the caller's patience. */
  async #wait(call: PendingCall, ms: number, because: string): Promise<void> {
    if (ms > call.patienceMs) {
      throw new ResilientMcpError('SERVER_UNAVAILABLE', `The server did not answer in time: ${because}`);
    }
    call.patienceMs -= ms;
    await sleep(this.#context.clock, ms, call.signal);
  }

  #newBackOff(): BackOff {
    const { recoveryOptions, random } = this.#context;
    const { initialDelayMs, maxDelayMs } = recoveryOptions;
    return createBackOff({ initialDelayMs, maxDelayMs, random });
  }
}

/** Settles when the session ends or the call is given up. */
function untilEnded(session: Session, call: PendingCall): Promise<Outcome> {
  const signal = AbortSignal.any([session.ended.signal, call.signal]);
  const outcome = (): Outcome =>
    call.signal.aborted
      ? { kind: 'aborted' }
      : { kind: 'broken', because: 'its session ended before the answer came' };
  if (signal.aborted) return Promise.resolve(outcome());
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(outcome()), { once: true });
  });
}
