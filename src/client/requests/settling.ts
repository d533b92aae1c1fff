import type { BackOff } from '../../base/back-off.ts';
import { type Clock, sleep } from '../../base/environment.ts';
import { ResilientMcpError } from '../../protocol/errors.ts';
import { isErrorResponse, type Response } from '../../protocol/message.ts';
import { likeness, type Refusal } from '../../protocol/refusal.ts';
import { type Interruption, mayReplay, type ReplayDecision } from '../../protocol/replay.ts';
import type { Catalog } from '../memory/catalog.ts';
import type { Journal } from '../observe/journal.ts';
import type { Listing } from '../opening/listing.ts';
import type { ReplayOptions } from '../options.ts';
import { type Confirmation, refusalIn } from '../recovery/asking.ts';
import type { Evidence } from '../recovery/evidence.ts';
import type { Gate } from '../session/gate.ts';
import type { Session } from '../session/session.ts';
import type { Outcome } from '../wire/wire.ts';
import type { PendingCall } from './pending.ts';

/** How often a request may be cut off, each time by a server that then answers again, until it is not repeated. */
const MAX_CUTS = 5;
/** What a person can do about a call of which nobody knows whether it ran; and about one that cuts every connection. */
const CHECK_EFFECT = 'Check whether it took effect before you call it again.';
const ENDS_SERVER = 'The server may end of it: look at what it wrote before you call it again.';
/** Resumptions in a row without a new event, before a stream counts as broken. */
const MAX_IDLE_RESUMES = 5;

/** Sessions on which the tools are listed for the sake of one decision, while each is lost meanwhile. */
const MAX_LISTINGS = 3;

export interface SettlingContext {
  readonly gate: Gate;
  readonly evidence: Evidence;
  readonly catalog: Catalog;
  readonly listing: Listing;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly replay: ReplayOptions;
  /** How many sessions may be lost under one request. */
  readonly maxLosses: number;
  /** The longest wait before a broken stream is resumed, in ms, where the server names none. */
  readonly resumeDelayMs: number;
  readonly silenceLimitMs: number;
  /** Whether a ping is asked where an answer only looks like a lost session. */
  readonly asksWhenUnclear: boolean;
}

/** Errors that are plainly about the request: not one of the session era's SDKs says by them that a session is gone. */
const CLEAR_ERRORS: ReadonlySet<number> = new Set([-32601, -32700, -32020, -32021, -32022, -32042]);

/** What is to be done after an exchange: give the answer, or go round again. */
export type Step = { readonly answer: Response } | 'again';

type Of<K extends Outcome['kind']> = Extract<Outcome, { kind: K }>;

/** One exchange that has ended: of which request, on which session, and the waits that the request has left. */
interface Ended {
  readonly call: PendingCall;
  readonly session: Session;
  readonly backOff: BackOff;
}

/**
 * Decides what the end of an exchange means for its request: the answer, another try, or a typed error. The one place
 * where a request is sent again or not (`protocol/replay.ts` has the rule).
 */
export class Settling {
  readonly #context: SettlingContext;

  constructor(context: SettlingContext) {
    this.#context = context;
  }

  /** @throws ResilientMcpError when the request can be neither answered nor sent again */
  async settle(ended: Ended, outcome: Outcome): Promise<Step> {
    switch (outcome.kind) {
      case 'answered':
        return this.#afterAnswer(ended, outcome);
      case 'lost':
        return this.#isOneMore(ended, outcome)
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

  /** May this request be sent again, ended as it did? */
  mayReplay({ request, tool }: PendingCall, interruption: Interruption): ReplayDecision {
    const { replay, catalog } = this.#context;
    if (tool === undefined) return mayReplay(request, interruption, undefined, replay.default);
    return mayReplay(request, interruption, catalog.hints(tool), replay.tools[tool] ?? replay.default);
  }

  /** May this request be sent again while it is under way? Where the hints would decide, the tools are listed for it. */
  async mayResend(call: PendingCall, session: Session): Promise<boolean> {
    if (this.mayReplay(call, 'unknown').wantsHints) await this.#context.listing.tools(session);
    return this.mayReplay(call, 'unknown').replay;
  }

  /** Final for this request. One that nobody let in says something of the others too: a ping shows, and the display. */
  #afterRefusal({ session }: Ended, error: ResilientMcpError): never {
    const isNotLetIn = error.code === 'UNAUTHORIZED' && error.status === 401;
    if (isNotLetIn) this.#context.evidence.notLetIn(session, error.message);
    throw error;
  }

  /** Refused with the session: certainly not run, unless it was a stream of it that could not be resumed. */
  async #afterLoss({ call, session }: Ended, because: string, interruption: Interruption): Promise<Step> {
    this.#context.evidence.lost(session, `${because} (${call.request.method})`);
    call.losses++;
    // The recovery is under way on its behalf; if that ends in `down`, this call is not to have it tried once more.
    call.hasWoken = true;
    if (call.losses > this.#context.maxLosses) {
      throw new ResilientMcpError(
        'SESSION_NOT_KEPT',
        `The server refused ${call.losses} sessions in a row for this request: ${because}`,
        {
          advice:
            'If several replicas serve this address, give it session affinity, or use a stateless server.',
        },
      );
    }
    return this.replayOrFail(call, interruption, because);
  }

  /** Said in words alone of a second session of this request, or in words that were shown to mean something else. */
  #isOneMore({ call }: Ended, outcome: Of<'lost'>): outcome is Of<'lost'> & { readonly otherwise: Outcome } {
    if (!outcome.otherwise) return false;
    const refusal = refusalIn(outcome);
    return call.losses > 0 || (refusal !== undefined && this.#context.evidence.isKnown(refusal));
  }

  /** An error may be how a server says that it does not know the session; a ping that gets the same shows it. */
  async #afterAnswer(ended: Ended, outcome: Of<'answered'>): Promise<Step> {
    const { response } = outcome;
    const answer: Step = { answer: response };
    if (!isErrorResponse(response) || ended.session.agreement.sessionId === undefined) return answer;
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
  #afterAccepted(ended: Ended): Promise<Step> {
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

  /**
   * It may be the session: one `ping` decides. Refused in the same way, whatever the words, it has one new session
   * tried; what is refused there again in this way is no matter of the session.
   */
  async #afterDoubt(ended: Ended, outcome: Of<'unclear'>): Promise<Step> {
    const { call, session } = ended;
    const { gate, evidence } = this.#context;
    const { because, interruption, outright, otherwise } = outcome;
    const refusal = refusalOf(outcome);
    if (!gate.isCurrent(session) || session.ended.signal.aborted) {
      // Another request has had the session replaced meanwhile, or has it replaced: the refusal was about the old one.
      const isSame = session.refusal !== undefined && likeness(session.refusal, refusal) === 'same';
      if (!isSame && !outright && interruption === 'unknown') return this.#final(ended, otherwise);
      return this.#afterLoss(ended, because, isSame ? ranAtMost(outcome) : interruption);
    }
    if (call.doubted && likeness(call.doubted, refusal) !== 'different') evidence.noteRefusedAnew(refusal);
    const isKnown = !outright && evidence.isKnown(refusal);
    if (call.doubted || isKnown || !this.#context.asksWhenUnclear) return this.#final(ended, otherwise);
    // A good answer is not held up for long by the question whether it is one.
    const answer = await (otherwise.kind === 'answered'
      ? evidence.askOfAnswer(session)
      : evidence.ask(session));
    switch (answer.kind) {
      case 'lost':
        if (interruption === 'unknown' && !(await this.#decided(call, interruption)).replay)
          return this.#final(ended, otherwise);
        return this.#afterLoss(ended, answer.because, interruption);
      case 'away':
        if (answer.refusal) return this.#comparePing(ended, outcome, answer);
        return interruption === 'unknown'
          ? this.#final(ended, otherwise)
          : this.replayOrFail(call, interruption, answer.because);
      case 'over':
        return this.#afterDoubt(ended, outcome);
      default:
        return this.#comparePing(ended, outcome, answer);
    }
  }

  /** Whether the ping was refused as the request was. */
  #comparePing(ended: Ended, outcome: Of<'unclear'>, ping: Confirmation): Step | Promise<Step> {
    const { outright, otherwise } = outcome;
    const refusal = refusalOf(outcome);
    const pings = 'refusal' in ping ? ping.refusal : undefined;
    const like = pings ? likeness(pings, refusal) : 'different';
    if (ping.kind === 'alive' && ended.call.losses > 0) this.#context.evidence.noteHarmless(refusal);
    // Words that say it outright need no second opinion from a server that gives none.
    const isLost = ping.kind !== 'alive' && outright;
    if (like === 'different' && !isLost) return this.#final(ended, otherwise);
    const interruption = like === 'same' ? ranAtMost(outcome) : outcome.interruption;
    return this.#tryAnew(ended, { ...outcome, interruption }, refusal);
  }

  /** A new session beside this one: if it opens, the refused request is sent again, once. */
  async #tryAnew(ended: Ended, outcome: Of<'unclear'>, refusal: Refusal): Promise<Step> {
    const { call, session } = ended;
    const { because, interruption, otherwise } = outcome;
    call.doubted = refusal;
    session.refusal = refusal;
    const isReplaced = await this.#context.evidence.replace(session, `${because} (${call.request.method})`);
    if (!isReplaced || !(await this.#decided(call, interruption)).replay)
      return this.#final(ended, otherwise);
    call.losses++;
    return this.replayOrFail(call, interruption, because);
  }

  /** What a refusal means for its request when it is not about the session. */
  #final(ended: Ended, outcome: Outcome): Step | Promise<Step> {
    return outcome.kind === 'answered' ? { answer: outcome.response } : this.settle(ended, outcome);
  }

  async #afterUnavailable({ call, session, backOff }: Ended, outcome: Of<'unavailable'>): Promise<Step> {
    const { status, retryAfterMs, because } = outcome;
    // 429 is about this caller's rate, and 408 about this request; the server itself is well.
    const isAboutServer = status === undefined || status >= 500;
    const wasHeard = status !== undefined;
    if (isAboutServer) this.#context.evidence.unavailable(session, because, retryAfterMs, wasHeard);
    const step = await this.replayOrFail(call, outcome.interruption, because, outcome.cause);
    // A server that says "busy" to a call may still answer pings: the call keeps its own distance.
    if (status !== undefined) {
      await this.#wait(call, Math.max(backOff.next(), retryAfterMs ?? 0), `The server answered ${because}`);
    }
    return step;
  }

  async #afterBreak({ call, session, backOff }: Ended, outcome: Of<'broken'>): Promise<Step> {
    const { gate, evidence, resumeDelayMs } = this.#context;
    const { because, retryMs } = outcome;
    const isResumable =
      call.resumeFrom?.session === session && !outcome.resumeRefused && gate.isCurrent(session);
    if (isResumable && call.idleResumes++ < MAX_IDLE_RESUMES) {
      // The server may close a stream at will once it gave an event id (SEP-1699); nothing is known to be wrong.
      await this.#wait(
        call,
        retryMs ?? Math.min(backOff.next(), resumeDelayMs),
        `The stream of the answer broke: ${because}`,
      );
      return 'again';
    }
    call.resumeFrom = undefined;
    evidence.unavailable(session, because);
    call.cuts++;
    return this.replayOrFail(call, 'unknown', because, outcome.cause);
  }

  async #afterAbort(ended: Ended): Promise<Step> {
    const { call, session } = ended;
    if (call.cancelled) throw new ResilientMcpError('CONNECTION_CLOSED', 'The request was cancelled.');
    if (this.#context.gate.state.kind === 'closed') {
      throw new ResilientMcpError('CONNECTION_CLOSED', 'The connection was closed before the answer came.');
    }
    const isReplaced = session.ended.signal.aborted;
    if (call.takeResending() && !isReplaced) {
      const because = 'nothing was heard on its connection, and the server answers on another';
      return this.replayOrFail(call, 'unknown', because);
    }
    const because = isReplaced
      ? 'its session was replaced'
      : `nothing was heard of it for ${this.#context.silenceLimitMs} ms`;
    return this.#afterBreak(ended, { kind: 'broken', because });
  }

  /**
   * Another try, with its fact, or the end of it.
   * @throws ResilientMcpError `OUTCOME_UNKNOWN`
   */
  async replayOrFail(
    call: PendingCall,
    interruption: Interruption,
    reason: string,
    cause?: unknown,
  ): Promise<Step> {
    const { tool, request, cuts } = call;
    // It may be what the server ends of.
    const isCutTooOften = interruption === 'unknown' && cuts >= MAX_CUTS;
    const decision = isCutTooOften
      ? { replay: false, because: `it was cut off ${cuts} times` }
      : await this.#decided(call, interruption);
    if (!decision.replay) {
      const what = tool === undefined ? request.method : `The call of ${tool}`;
      throw new ResilientMcpError(
        'OUTCOME_UNKNOWN',
        `${what} may or may not have run: ${reason}. It was not sent again, since ${decision.because}.`,
        { cause, advice: isCutTooOften ? ENDS_SERVER : CHECK_EFFECT },
      );
    }
    const { generation } = this.#context.gate.state;
    const because = `${reason}; ${decision.because}`;
    this.#context.journal.record({
      kind: 'requestReplayed',
      generation,
      method: request.method,
      tool,
      because,
    });
    return 'again';
  }

  /**
   * The rule, with the hints of the tool. Where they are wanted and not known, the tools are listed first, on the next
   * session that there is; not those of another server.
   */
  async #decided(call: PendingCall, interruption: Interruption): Promise<ReplayDecision> {
    const { gate, listing } = this.#context;
    const decision = this.mayReplay(call, interruption);
    if (!decision.wantsHints) return decision;
    const { server } = call.meaning;
    for (let attempt = 0; attempt < MAX_LISTINGS; attempt++) {
      const session = await gate.ready(call).catch(() => undefined);
      if (!session || (server && session.server && server.name !== session.server.name)) return decision;
      await listing.tools(session);
      if (gate.isCurrent(session) && gate.state.kind === 'ready') break;
    }
    return this.mayReplay(call, interruption);
  }

  /**
   * Waits within the caller's patience.
   * @throws ResilientMcpError `SERVER_UNAVAILABLE` with `words` for a longer wait
   */
  async #wait(call: PendingCall, ms: number, words: string): Promise<void> {
    if (ms > call.patienceMs) {
      throw new ResilientMcpError(
        'SERVER_UNAVAILABLE',
        `${words}. This request may not wait for another attempt.`,
      );
    }
    call.patienceMs -= ms;
    await sleep(this.#context.clock, ms, call.signal);
  }
}

/** As a `ping` that is refused in the same way is told of. */
function refusalOf({ status = 0, because, otherwise }: Of<'unclear'>): Refusal {
  const answered = status === 200 ? refusalIn(otherwise) : undefined;
  return answered ?? { status, words: because };
}

/** What was refused word for word as a ping is was not run; unless it is a stream whose request was sent long ago. */
function ranAtMost({ otherwise, interruption }: Of<'unclear'>): Interruption {
  return otherwise.kind === 'broken' ? interruption : 'notExecuted';
}
