import type { BackOff } from '../../base/back-off.ts';
import type { Clock } from '../../base/environment.ts';
import { isResilientMcpError, ResilientMcpError } from '../../protocol/errors.ts';
import {
  isErrorResponse,
  isResultResponse,
  knownId,
  type Request,
  type RequestId,
  type Response,
  toolOf,
} from '../../protocol/message.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import { withId } from '../../protocol/text/message-text.ts';
import type { ServerMatch } from '../identity/server-match.ts';
import type { SessionMemory } from '../memory/session-memory.ts';
import type { Journal } from '../observe/journal.ts';
import type { WorldWatch } from '../recovery/world-watch.ts';
import type { SessionKeeper } from '../session/keeper.ts';
import type { Session } from '../session/session.ts';
import type { RequestOptions } from '../wire/wire.ts';
import type { AcceptedRequests } from './accepted-requests.ts';
import { PendingRequest } from './pending-request.ts';
import type { ReplayRule } from './replay-rule.ts';
import type { ResendWatch } from './resend-watch.ts';
import type { RetryPolicy } from './retry-policy.ts';

export interface RequestLoopOptions {
  readonly keeper: SessionKeeper;
  readonly memory: SessionMemory;
  readonly policy: RetryPolicy;
  readonly rule: ReplayRule;
  readonly resend: ResendWatch;
  readonly accepted: AcceptedRequests;
  readonly match: ServerMatch;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly world: WorldWatch;
  readonly newBackOff: () => BackOff;
  readonly newId: () => string;
  /** Requests under way or waiting at one time. */
  readonly maxPendingRequests: number;
  readonly patienceMs: number;
  readonly proofAfterMs: number;
  /** How long an exchange may be silent before it is broken off, in ms; 0: for ever. */
  readonly silenceLimitMs: number;
  /** The server began an event stream as the answer to this request. */
  readonly onStream: (id: RequestId) => void;
}

/**
 * The requests under way. Each runs in a loop of its own: get a session, send, look at how it ended, and then answer,
 * send again, or fail. What may not be sent twice is never sent twice.
 */
export class RequestLoop {
  readonly #options: RequestLoopOptions;
  readonly #pending = new Map<RequestId, PendingRequest>();
  readonly #byWireId = new Map<RequestId, PendingRequest>();

  constructor(options: RequestLoopOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Breaks off what has been silent for too long on a session. */
  breakSilent(session: Session): void {
    const { clock, silenceLimitMs } = this.#options;
    if (silenceLimitMs <= 0) return;
    const heardBefore = clock.monotonic() - silenceLimitMs;
    for (const pending of this.#pending.values()) {
      if (pending.session === session && pending.heardAt <= heardBefore) pending.breakOff();
    }
  }

  /** The request that bears this id for the client. */
  get(id: RequestId): PendingRequest | undefined {
    return this.#pending.get(knownId(id, this.#pending));
  }

  /** The request that bears this id on the wire. */
  onWire(id: RequestId): PendingRequest | undefined {
    return this.#byWireId.get(knownId(id, this.#byWireId)) ?? this.get(id);
  }

  /**
   * Sends a request and waits for its answer, over as many sessions as it takes. Resolves with undefined when it was
   * cancelled: its caller has stopped waiting.
   * @throws ResilientMcpError `OUTCOME_UNKNOWN`, `SERVER_UNAVAILABLE`, `SESSION_NOT_KEPT`, `HTTP_STATUS`,
   *   `UNAUTHORIZED`, `SERVER_CHANGED`, `STALE_CURSOR`, `PROTOCOL_VIOLATION`, `LIMIT_EXCEEDED`, `CONNECTION_CLOSED`
   */
  async run(request: Request): Promise<Response | undefined> {
    const { clock, patienceMs, maxPendingRequests, journal, keeper, match } = this.#options;
    const { gate } = keeper;
    if (this.#pending.size >= maxPendingRequests) {
      throw new ResilientMcpError(
        'LIMIT_EXCEEDED',
        `${maxPendingRequests} requests are under way (option limits.maxPendingRequests).`,
      );
    }
    const { method } = request;
    const tool = toolOf(request);
    const pending = new PendingRequest(request, match.meaning(tool), clock.monotonic(), patienceMs);
    this.#pending.set(pending.id, pending);
    try {
      const response = await this.#loop(pending);
      const durationMs = clock.monotonic() - pending.startedAt;
      journal.record({
        kind: 'requestAnswered',
        generation: gate.state.generation,
        method,
        tool,
        durationMs,
        ...(isErrorResponse(response) && { error: response.error.code }),
      });
      return response;
    } catch (error) {
      const { generation } = gate.state;
      if (pending.cancelled) {
        journal.record({ kind: 'requestCancelled', generation, method, tool });
        return undefined;
      }
      const code = isResilientMcpError(error) ? error.code : 'BUG';
      const reason = error instanceof Error ? error.message : String(error);
      const kind = code === 'OUTCOME_UNKNOWN' ? 'outcomeUnknown' : 'requestFailed';
      journal.record({ kind, generation, method, tool, code, reason });
      throw error;
    } finally {
      // A client that reuses an id while it is pending would lose its own answer; the later one keeps its place.
      if (this.#pending.get(pending.id) === pending) this.#pending.delete(pending.id);
      this.#byWireId.delete(pending.wireId);
    }
  }

  async #loop(pending: PendingRequest): Promise<Response> {
    const { keeper, memory, match } = this.#options;
    const { gate, health } = keeper;
    const backOff = this.#options.newBackOff();
    for (;;) {
      const session = await gate.ready(pending);
      this.#refuseStaleCursor(pending, session);
      if (pending.resumeFrom && pending.resumeFrom.session !== session) {
        await this.#leaveLostStream(pending);
        continue;
      }
      if (match.mayBeAnother(pending, session) && !(await match.admits(pending, session))) continue;
      if (!(await this.#isProven(pending, session))) continue;
      const sentAt = this.#options.clock.monotonic();
      const outcome = await this.#exchange(pending, session);
      if (outcome.kind === 'answered' && isResultResponse(outcome.response)) {
        health.reportAnswered(session, sentAt);
      }
      const decision = await this.#options.policy.decide({ pending, session, backOff }, outcome);
      if (decision === 'again') continue;
      const response = pending.incoming(decision.answer);
      keeper.noteProof(session);
      memory.learn(pending.request, response, session.generation);
      return response;
    }
  }

  async #exchange(pending: PendingRequest, session: Session): Promise<Outcome> {
    const { resumeFrom } = pending;
    pending.session = session;
    const { clock, rule, resend } = this.#options;
    const { replay: isRepeatable, wantsHints } = rule.mayReplay(pending, 'unknown');
    let stopWatching: (() => void) | undefined;
    const options: RequestOptions = {
      signal: pending.begin(clock.monotonic()),
      abort: () => pending.breakOff(),
      connection: pending.isResent ? 'new' : isRepeatable ? 'kept' : 'recent',
      onConnection: (isUsed) => {
        if (!(isRepeatable || wantsHints) || resumeFrom) return;
        stopWatching = resend.watch(pending, session, isUsed, () => rule.mayResend(pending, session));
      },
      onHeard: () => {
        pending.heardAt = clock.monotonic();
        session.heardAt = pending.heardAt;
      },
      onEventId: (lastEventId: string) => {
        pending.idleResumes = 0;
        pending.resumeFrom = { session, lastEventId };
      },
      onStream: () => this.#options.onStream(pending.id),
    };
    const asked = resumeFrom
      ? session.wire.resumeStream(withId(pending.request, pending.wireId), resumeFrom.lastEventId, options)
      : session.wire.request(this.#outgoing(pending, session), options);
    const { elsewhere } = pending;
    try {
      const outcome = await session.during(Promise.race([asked, elsewhere]));
      return outcome.kind === 'accepted' ? await this.#options.accepted.answerTo(pending, session) : outcome;
    } finally {
      stopWatching?.();
      pending.session = undefined;
    }
  }

  /**
   * A stream that gave an event id can be taken up on its own session alone. While the request waited to do so, that
   * session was replaced: whether it ran is unknown, and the replay rule decides (issue 3, point 4).
   */
  async #leaveLostStream(pending: PendingRequest): Promise<void> {
    pending.resumeFrom = undefined;
    await this.#options.policy.replayOrFail(
      pending,
      'unknown',
      'its session was replaced while its stream was cut',
    );
  }

  #outgoing(pending: PendingRequest, session: Session): Request {
    this.#byWireId.delete(pending.wireId);
    const request = pending.outgoing(session, this.#options.newId);
    if (pending.wireId !== pending.id) this.#byWireId.set(pending.wireId, pending);
    return request;
  }

  /**
   * Before a request that may not be repeated goes out after a silence, the server is asked: a pooled socket whose
   * peer died looks, after sending, just like a call that was cut short. A ping may be repeated. So it is before any
   * request when the machine slept meanwhile: then an open stream proves nothing either. Without an answer the request
   * goes out all the same: it is worth a moment, and no more.
   */
  async #isProven(pending: PendingRequest, session: Session): Promise<boolean> {
    const { keeper, world } = this.#options;
    const { gate, health } = keeper;
    // Its doubt comes before the timers of a process that has just gone on.
    world.look();
    if (pending.resumeFrom || !health.canBeAsked) return true;
    if (!session.isDoubted && this.#needsNoProof(pending, session)) return true;
    const answer = await health.probeBriefly(session);
    const isAway = answer.kind === 'away' && !answer.refusal;
    return !isAway && answer.kind !== 'lost' && gate.isCurrent(session);
  }

  #needsNoProof(pending: PendingRequest, session: Session): boolean {
    const { clock, rule, proofAfterMs } = this.#options;
    if (session.listening || clock.monotonic() - session.heardAt < proofAfterMs) return true;
    return rule.mayReplay(pending, 'unknown').replay;
  }

  #refuseStaleCursor(pending: PendingRequest, session: Session): void {
    if (!this.#options.memory.catalog.isStale(pending.request, session.generation)) return;
    throw new ResilientMcpError(
      'STALE_CURSOR',
      `The page cursor of this ${pending.request.method} belongs to a session that is gone.`,
      { advice: 'List again from the start.' },
    );
  }
}
