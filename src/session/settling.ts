import { ResilientMcpError } from '../protocol/errors.ts';
import type { Response } from '../protocol/message.ts';
import { type Interruption, mayReplay, type ReplayDecision } from '../protocol/replay.ts';
import type { BackOff } from './back-off.ts';
import type { Catalog } from './catalog.ts';
import { type Clock, sleep } from './environment.ts';
import type { Evidence } from './evidence.ts';
import type { Gate } from './gate.ts';
import type { Journal } from './journal.ts';
import type { Listing } from './listing.ts';
import type { ReplayOptions } from './options.ts';
import type { PendingCall } from './pending.ts';
import type { Session } from './session.ts';
import type { Outcome } from './wire.ts';

/** How often a request may be cut off, each time by a server that then answers again, until it is not repeated. */
const MAX_CUTS = 5;
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
        return { answer: outcome.response };
      case 'lost':
        return this.#afterLoss(ended, outcome.because, 'notExecuted');
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
        throw new ResilientMcpError(
          'PROTOCOL_VIOLATION',
          'The server took the request without answering it.',
        );
    }
  }

  /** May this request be sent again, ended as it did? */
  mayReplay({ request, tool }: PendingCall, interruption: Interruption): ReplayDecision {
    const { replay, catalog } = this.#context;
    if (tool === undefined) return mayReplay(request, interruption, undefined, replay.default);
    return mayReplay(request, interruption, catalog.hints(tool), replay.tools[tool] ?? replay.default);
  }

  /** Final for this request. One that nobody let in says something of the others too: a ping shows, and the display. */
  #afterRefusal({ session }: Ended, error: ResilientMcpError): never {
    const isNotLetIn = error.code === 'UNAUTHORIZED' && error.status === 401;
    if (isNotLetIn) this.#context.evidence.unavailable(session, error.message);
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

  /** It may be the session: one `ping` decides. */
  async #afterDoubt(ended: Ended, outcome: Of<'unclear'>): Promise<Step> {
    const { call, session } = ended;
    const { gate, evidence, asksWhenUnclear } = this.#context;
    const { because, interruption } = outcome;
    // Another request has had the session replaced meanwhile: the refusal was about the old one.
    if (!gate.isCurrent(session)) return this.#afterLoss(ended, because, interruption);
    if (call.doubted || !asksWhenUnclear) return this.settle(ended, outcome.otherwise);
    const answer = await evidence.ask(session);
    // A server that refuses every ping might go on so for ever: then the next refusal is the answer.
    if (answer.kind === 'lost' && !answer.outright) call.doubted = true;
    if (answer.kind === 'alive') return this.settle(ended, outcome.otherwise);
    if (answer.kind === 'lost') return this.#afterLoss(ended, answer.because, interruption);
    return this.replayOrFail(call, interruption, answer.because);
  }

  async #afterUnavailable({ call, session, backOff }: Ended, outcome: Of<'unavailable'>): Promise<Step> {
    const { status, retryAfterMs, because } = outcome;
    // 429 is about this caller's rate, and 408 about this request; the server itself is well.
    const isAboutServer = status === undefined || status >= 500;
    if (isAboutServer) this.#context.evidence.unavailable(session, because, retryAfterMs);
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
        { cause, advice: 'Check whether it took effect before you call it again.' },
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
