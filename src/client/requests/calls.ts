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
import { withId } from '../../protocol/message-text.ts';
import type { Catalog } from '../memory/catalog.ts';
import type { Journal } from '../observe/journal.ts';
import type { Strangers } from '../opening/strangers.ts';
import type { Evidence } from '../recovery/evidence.ts';
import type { Gate } from '../session/gate.ts';
import type { Session } from '../session/session.ts';
import type { WorldWatch } from '../session/world-watch.ts';
import type { Outcome, RequestOptions } from '../wire/wire.ts';
import type { Accepted } from './accepted.ts';
import { PendingCall } from './pending.ts';
import type { Resending } from './resending.ts';
import type { Settling } from './settling.ts';

export interface CallsContext {
  readonly gate: Gate;
  readonly evidence: Evidence;
  readonly settling: Settling;
  readonly resending: Resending;
  readonly accepted: Accepted;
  readonly strangers: Strangers;
  readonly catalog: Catalog;
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
  /** An answered request, for whoever learns from traffic. */
  readonly onAnswered: (request: Request, response: Response, session: Session) => void;
  /** The server began an event stream as the answer to this request. */
  readonly onStream: (id: RequestId) => void;
}

/**
 * The requests under way. Each runs in a loop of its own: get a session, send, look at how it ended, and then answer,
 * send again, or fail. What may not be sent twice is never sent twice.
 */
export class Calls {
  readonly #context: CallsContext;
  readonly #pending = new Map<RequestId, PendingCall>();
  readonly #byWireId = new Map<RequestId, PendingCall>();

  constructor(context: CallsContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Breaks off what has been silent for too long on a session. */
  breakSilent(session: Session): void {
    const { clock, silenceLimitMs } = this.#context;
    if (silenceLimitMs <= 0) return;
    const heardBefore = clock.monotonic() - silenceLimitMs;
    for (const call of this.#pending.values()) {
      if (call.session === session && call.heardAt <= heardBefore) call.breakOff();
    }
  }

  /** The request that bears this id for the client. */
  get(id: RequestId): PendingCall | undefined {
    return this.#pending.get(knownId(id, this.#pending));
  }

  /** The request that bears this id on the wire. */
  onWire(id: RequestId): PendingCall | undefined {
    return this.#byWireId.get(knownId(id, this.#byWireId)) ?? this.get(id);
  }

  /**
   * Sends a request and waits for its answer, over as many sessions as it takes. Resolves with undefined when it was
   * cancelled: its caller has stopped waiting.
   * @throws ResilientMcpError `OUTCOME_UNKNOWN`, `SERVER_UNAVAILABLE`, `SESSION_NOT_KEPT`, `HTTP_STATUS`,
   *   `UNAUTHORIZED`, `SERVER_CHANGED`, `STALE_CURSOR`, `PROTOCOL_VIOLATION`, `LIMIT_EXCEEDED`, `CONNECTION_CLOSED`
   */
  async run(request: Request): Promise<Response | undefined> {
    const { clock, patienceMs, maxPendingRequests, journal, gate, strangers } = this.#context;
    if (this.#pending.size >= maxPendingRequests) {
      throw new ResilientMcpError(
        'LIMIT_EXCEEDED',
        `${maxPendingRequests} requests are under way (option limits.maxPendingRequests).`,
      );
    }
    const { method } = request;
    const tool = toolOf(request);
    const call = new PendingCall(request, strangers.meaning(tool), clock.monotonic(), patienceMs);
    this.#pending.set(call.id, call);
    try {
      const response = await this.#loop(call);
      const durationMs = clock.monotonic() - call.startedAt;
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
      if (call.cancelled) {
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
      if (this.#pending.get(call.id) === call) this.#pending.delete(call.id);
      this.#byWireId.delete(call.wireId);
    }
  }

  async #loop(call: PendingCall): Promise<Response> {
    const { gate, strangers } = this.#context;
    const backOff = this.#context.newBackOff();
    for (;;) {
      const session = await gate.ready(call);
      this.#refuseStaleCursor(call, session);
      if (call.resumeFrom && call.resumeFrom.session !== session) {
        await this.#leaveLostStream(call);
        continue;
      }
      if (strangers.mayBeAnother(call, session) && !(await strangers.admits(call, session))) continue;
      if (!(await this.#isProven(call, session))) continue;
      const sentAt = this.#context.clock.monotonic();
      const outcome = await this.#exchange(call, session);
      if (outcome.kind === 'answered' && isResultResponse(outcome.response)) {
        this.#context.evidence.answered(session, sentAt);
      }
      const step = await this.#context.settling.settle({ call, session, backOff }, outcome);
      if (step === 'again') continue;
      const response = call.incoming(step.answer);
      this.#context.onAnswered(call.request, response, session);
      return response;
    }
  }

  async #exchange(call: PendingCall, session: Session): Promise<Outcome> {
    const { resumeFrom } = call;
    call.session = session;
    const { clock, settling, resending } = this.#context;
    const { replay: isRepeatable, wantsHints } = settling.mayReplay(call, 'unknown');
    let stopWatching: (() => void) | undefined;
    const options: RequestOptions = {
      signal: call.begin(clock.monotonic()),
      abort: () => call.breakOff(),
      connection: call.isResent ? 'new' : isRepeatable ? 'kept' : 'recent',
      onConnection: (isUsed) => {
        if (!(isRepeatable || wantsHints) || resumeFrom) return;
        stopWatching = resending.watch(call, session, isUsed, () => settling.mayResend(call, session));
      },
      onHeard: () => {
        call.heardAt = clock.monotonic();
        session.heardAt = call.heardAt;
      },
      onEventId: (lastEventId: string) => {
        call.idleResumes = 0;
        call.resumeFrom = { session, lastEventId };
      },
      onStream: () => this.#context.onStream(call.id),
    };
    const asked = resumeFrom
      ? session.wire.resume(withId(call.request, call.wireId), resumeFrom.lastEventId, options)
      : session.wire.request(this.#outgoing(call, session), options);
    const { elsewhere } = call;
    try {
      const outcome = await session.during(Promise.race([asked, elsewhere]));
      return outcome.kind === 'accepted' ? await this.#context.accepted.answerTo(call, session) : outcome;
    } finally {
      stopWatching?.();
      call.session = undefined;
    }
  }

  /**
   * A stream that gave an event id can be taken up on its own session alone. While the call waited to do so, that
   * session was replaced: whether it ran is unknown, and the replay rule decides (issue 3, point 4).
   */
  async #leaveLostStream(call: PendingCall): Promise<void> {
    call.resumeFrom = undefined;
    await this.#context.settling.replayOrFail(
      call,
      'unknown',
      'its session was replaced while its stream was cut',
    );
  }

  #outgoing(call: PendingCall, session: Session): Request {
    this.#byWireId.delete(call.wireId);
    const request = call.outgoing(session, this.#context.newId);
    if (call.wireId !== call.id) this.#byWireId.set(call.wireId, call);
    return request;
  }

  /**
   * Before a request that may not be repeated goes out after a silence, the server is asked: a pooled socket whose
   * peer died looks, after sending, just like a call that was cut short. A ping may be repeated. So it is before any
   * request when the machine slept meanwhile: then an open stream proves nothing either. Without an answer the request
   * goes out all the same: it is worth a moment, and no more.
   */
  async #isProven(call: PendingCall, session: Session): Promise<boolean> {
    const { gate, evidence, world } = this.#context;
    // Its doubt comes before the timers of a process that has just gone on.
    world.look();
    if (call.resumeFrom || !evidence.canBeAsked) return true;
    if (!session.isDoubted && this.#needsNoProof(call, session)) return true;
    const answer = await evidence.askBriefly(session);
    const isAway = answer.kind === 'away' && !answer.refusal;
    return !isAway && answer.kind !== 'lost' && gate.isCurrent(session);
  }

  #needsNoProof(call: PendingCall, session: Session): boolean {
    const { clock, settling, proofAfterMs } = this.#context;
    if (session.listening || clock.monotonic() - session.heardAt < proofAfterMs) return true;
    return settling.mayReplay(call, 'unknown').replay;
  }

  #refuseStaleCursor(call: PendingCall, session: Session): void {
    if (!this.#context.catalog.isStale(call.request, session.generation)) return;
    throw new ResilientMcpError(
      'STALE_CURSOR',
      `The page cursor of this ${call.request.method} belongs to a session that is gone.`,
      { advice: 'List again from the start.' },
    );
  }
}
