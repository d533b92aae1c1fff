import type { BackOff } from '../../base/back-off.ts';
import { type Clock, sleep } from '../../base/environment.ts';
import { ResilientMcpError } from '../../protocol/errors.ts';
import { isErrorResponse, type Response } from '../../protocol/message.ts';
import type { Outcome, OutcomeOf } from '../../protocol/outcome.ts';
import type { Interruption } from '../../protocol/replay.ts';
import type { Journal } from '../observe/journal.ts';
import type { Gate } from '../session/gate.ts';
import type { SessionHealth } from '../session/health.ts';
import type { Session } from '../session/session.ts';
import type { PendingRequest } from './pending-request.ts';
import type { ReplayRule } from './replay-rule.ts';
import type { UnclearAnswers } from './unclear-answers.ts';

/** How often a request may be cut off, each time by a server that then answers again, until it is not repeated. */
const MAX_DISCONNECTS = 5;
/** What a person can do about a call of which nobody knows whether it ran; and about one that cuts every connection. */
const CHECK_EFFECT = 'Check whether it took effect before you call it again.';
const ENDS_SERVER = 'The server may end of it: look at what it wrote before you call it again.';
/** Resumptions in a row without a new event, before a stream counts as broken. */
const MAX_IDLE_RESUMES = 5;

export interface RetryPolicyOptions {
  readonly gate: Gate;
  readonly health: SessionHealth;
  readonly rule: ReplayRule;
  readonly unclear: UnclearAnswers;
  readonly journal: Journal;
  readonly clock: Clock;
  /** How many sessions may be lost under one request. */
  readonly maxLosses: number;
  /** The longest wait before a broken stream is resumed, in ms, where the server names none. */
  readonly resumeDelayMs: number;
  readonly silenceLimitMs: number;
}

/** Errors that are plainly about the request: not one of the session era's SDKs says by them that a session is gone. */
const CLEAR_ERRORS: ReadonlySet<number> = new Set([-32601, -32700, -32020, -32021, -32022, -32042]);

/** What is to be done after an exchange: give the answer, or go round again. */
export type RetryDecision = { readonly answer: Response } | 'again';

/** One exchange that has ended: of which request, on which session, and the waits that the request has left. */
interface Ended {
  readonly pending: PendingRequest;
  readonly session: Session;
  readonly backOff: BackOff;
}

/**
 * Decides what the end of an exchange means for its request: the answer, another try, or a typed error. The one place
 * where a request is sent again or not (`protocol/replay.ts` has the rule).
 */
export class RetryPolicy {
  readonly #options: RetryPolicyOptions;

  constructor(options: RetryPolicyOptions) {
    this.#options = options;
  }

  /** @throws ResilientMcpError when the request can be neither answered nor sent again */
  async decide(ended: Ended, outcome: Outcome): Promise<RetryDecision> {
    switch (outcome.kind) {
      case 'answered':
        return this.#afterAnswer(ended, outcome);
      case 'lost':
        return this.#options.unclear.isDoubtful(ended.pending, outcome)
          ? this.#afterDoubt(ended, {
              ...outcome,
              kind: 'unclear',
              outright: true,
              interruption: 'notExecuted',
            })
          : this.#afterLoss(ended, outcome.because, 'notExecuted');
      case 'unclear':
        return this.#afterDoubt(ended, outcome);
      case 'unavailable':
        return this.#afterUnavailable(ended, outcome);
      case 'broken':
        return this.#afterBreak(ended, outcome);
      case 'aborted':
        return this.#afterAbort(ended);
      case 'failed':
        return this.#afterRefusal(ended, outcome.error);
      case 'accepted':
        return this.#afterAccepted(ended);
    }
  }

  /** Final for this request. One that nobody let in says something of the others too: a ping shows, and the display. */
  #afterRefusal({ session }: Ended, error: ResilientMcpError): never {
    const isNotLetIn = error.code === 'UNAUTHORIZED' && error.status === 401;
    if (isNotLetIn) this.#options.health.reportNotLetIn(session, error.message);
    throw error;
  }

  /** Refused with the session: certainly not run, unless it was a stream of it that could not be resumed. */
  async #afterLoss(
    { pending, session }: Ended,
    because: string,
    interruption: Interruption,
  ): Promise<RetryDecision> {
    this.#options.health.reportLost(session, `${because} (${pending.request.method})`);
    pending.losses++;
    // The recovery is under way on its behalf; if that ends in `down`, this request is not to have it tried once more.
    pending.triggeredAttempt = true;
    if (pending.losses > this.#options.maxLosses) {
      throw new ResilientMcpError(
        'SESSION_NOT_KEPT',
        `The server refused ${pending.losses} sessions in a row for this request: ${because}`,
        {
          advice:
            'If several replicas serve this address, give it session affinity, or use a stateless server.',
        },
      );
    }
    return this.replayOrFail(pending, interruption, because);
  }

  /** An error may be how a server says that it does not know the session; a ping that gets the same shows it. */
  async #afterAnswer(ended: Ended, outcome: OutcomeOf<'answered'>): Promise<RetryDecision> {
    const { response } = outcome;
    const answer: RetryDecision = { answer: response };
    if (!isErrorResponse(response) || ended.session.negotiated.sessionId === undefined) return answer;
    if (CLEAR_ERRORS.has(response.error.code)) return answer;
    const { message } = response.error;
    return this.#afterDoubt(ended, {
      kind: 'unclear',
      outright: false,
      interruption: 'unknown',
      because: `200: ${message.slice(0, 120)}`,
      status: 200,
      otherwise: outcome,
    });
  }

  /** No answer can come. A server that takes everything so may not know the session: a ping that it takes shows that. */
  #afterAccepted(ended: Ended): Promise<RetryDecision> {
    const error = new ResilientMcpError(
      'PROTOCOL_VIOLATION',
      'The server took the request (202) and has no stream on which its answer could come. It may or may not have run.',
      { status: 202, advice: CHECK_EFFECT },
    );
    return this.#afterDoubt(ended, {
      kind: 'unclear',
      outright: false,
      interruption: 'unknown',
      because: 'it was taken, and no answer can come',
      status: 202,
      otherwise: { kind: 'failed', error },
    });
  }

  /** It may be the session: see {@link UnclearAnswers}. */
  async #afterDoubt(ended: Ended, outcome: OutcomeOf<'unclear'>): Promise<RetryDecision> {
    const { pending, session } = ended;
    const finding = await this.#options.unclear.judge(pending, session, outcome);
    switch (finding.kind) {
      case 'lost':
        return this.#afterLoss(ended, finding.because, finding.interruption);
      case 'away':
        return this.replayOrFail(pending, finding.interruption, finding.because);
      case 'replaced':
        pending.losses++;
        return this.replayOrFail(pending, finding.interruption, finding.because);
      default: {
        const { otherwise } = outcome;
        return otherwise.kind === 'answered' ? { answer: otherwise.response } : this.decide(ended, otherwise);
      }
    }
  }

  async #afterUnavailable(
    { pending, session, backOff }: Ended,
    outcome: OutcomeOf<'unavailable'>,
  ): Promise<RetryDecision> {
    const { status, retryAfterMs, because } = outcome;
    // 429 is about this caller's rate, and 408 about this request; the server itself is well.
    const isAboutServer = status === undefined || status >= 500;
    const wasHeard = status !== undefined;
    if (isAboutServer) this.#options.health.reportUnavailable(session, because, retryAfterMs, wasHeard);
    const step = await this.replayOrFail(pending, outcome.interruption, because, outcome.cause);
    // A server that says "busy" to a request may still answer pings: the request keeps its own distance.
    if (status !== undefined) {
      await this.#wait(
        pending,
        Math.max(backOff.next(), retryAfterMs ?? 0),
        `The server answered ${because}`,
      );
    }
    return step;
  }

  async #afterBreak(
    { pending, session, backOff }: Ended,
    outcome: OutcomeOf<'broken'>,
  ): Promise<RetryDecision> {
    const { gate, health, resumeDelayMs } = this.#options;
    const { because, retryMs } = outcome;
    const isResumable =
      pending.resumeFrom?.session === session && !outcome.resumeRefused && gate.isCurrent(session);
    if (isResumable && pending.idleResumes++ < MAX_IDLE_RESUMES) {
      // The server may close a stream at will once it gave an event id (SEP-1699); nothing is known to be wrong.
      await this.#wait(
        pending,
        retryMs ?? Math.min(backOff.next(), resumeDelayMs),
        `The stream of the answer broke: ${because}`,
      );
      return 'again';
    }
    pending.resumeFrom = undefined;
    health.reportUnavailable(session, because);
    pending.disconnects++;
    return this.replayOrFail(pending, 'unknown', because, outcome.cause);
  }

  async #afterAbort(ended: Ended): Promise<RetryDecision> {
    const { pending, session } = ended;
    if (pending.cancelled) throw new ResilientMcpError('CONNECTION_CLOSED', 'The request was cancelled.');
    if (this.#options.gate.state.kind === 'closed') {
      throw new ResilientMcpError('CONNECTION_CLOSED', 'The connection was closed before the answer came.');
    }
    const isReplaced = session.ended.signal.aborted;
    if (pending.takeResending() && !isReplaced) {
      const because = 'nothing was heard on its connection, and the server answers on another';
      return this.replayOrFail(pending, 'unknown', because);
    }
    const because = isReplaced
      ? 'its session was replaced'
      : `nothing was heard of it for ${this.#options.silenceLimitMs} ms`;
    return this.#afterBreak(ended, { kind: 'broken', because });
  }

  /**
   * Another try, with its fact, or the end of it.
   * @throws ResilientMcpError `OUTCOME_UNKNOWN`
   */
  async replayOrFail(
    pending: PendingRequest,
    interruption: Interruption,
    reason: string,
    cause?: unknown,
  ): Promise<RetryDecision> {
    const { tool, request, disconnects } = pending;
    // The request itself may be what crashes the server.
    const isCutTooOften = interruption === 'unknown' && disconnects >= MAX_DISCONNECTS;
    const decision = isCutTooOften
      ? { replay: false, because: `it was cut off ${disconnects} times` }
      : await this.#options.rule.decide(pending, interruption);
    if (!decision.replay) {
      const what = tool === undefined ? request.method : `The pending of ${tool}`;
      throw new ResilientMcpError(
        'OUTCOME_UNKNOWN',
        `${what} may or may not have run: ${reason}. It was not sent again, since ${decision.because}.`,
        { cause, advice: isCutTooOften ? ENDS_SERVER : CHECK_EFFECT },
      );
    }
    const { generation } = this.#options.gate.state;
    const because = `${reason}; ${decision.because}`;
    this.#options.journal.record({
      kind: 'requestReplayed',
      generation,
      method: request.method,
      tool,
      because,
    });
    return 'again';
  }

  /**
   * Waits within the caller's patience.
   * @throws ResilientMcpError `SERVER_UNAVAILABLE` with `words` for a longer wait
   */
  async #wait(pending: PendingRequest, ms: number, words: string): Promise<void> {
    if (ms > pending.patienceMs) {
      throw new ResilientMcpError(
        'SERVER_UNAVAILABLE',
        `${words}. This request may not wait for another attempt.`,
      );
    }
    pending.patienceMs -= ms;
    await sleep(this.#options.clock, ms, pending.signal);
  }
}
