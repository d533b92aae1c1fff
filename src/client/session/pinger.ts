import { type Clock, deadline } from '../../base/environment.ts';
import type { ErrorCode, ResilientMcpError } from '../../protocol/errors.ts';
import {
  isErrorResponse,
  knownId,
  type Request,
  type RequestId,
  type Response,
} from '../../protocol/message.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { Refusal } from '../../protocol/refusal.ts';
import { isUnreached } from '../recovery/attempt.ts';
import type { Session } from './session.ts';

/** The least that an answer to a ping is waited for where something else can go on without, in ms. */
const MIN_BRIEF_MS = 100;
/** Taken, with no answer to come: no server that works says so to a ping. */
const ACCEPTED = 202;

/** So many round trips are waited for an answer to a ping. */
const ROUND_TRIPS = 3;

/** What a `ping` on a session showed. Only `lost` and `away` are signs of trouble; the rest is the absence of one. */
export type ProbeResult =
  /** `refusal`: it was answered by a JSON-RPC error, as servers do that do not know `ping`. */
  | { readonly kind: 'alive'; readonly refusal?: Refusal }
  /** By a status or in words that say so. */
  | { readonly kind: 'lost'; readonly because: string }
  /** Something answered by HTTP, and refused the ping; of the session it said nothing. */
  | {
      readonly kind: 'refused';
      readonly refusal: Refusal;
      readonly because: string;
      readonly retryAfterMs?: number | undefined;
    }
  /** The connection was made, and no answer came. */
  | { readonly kind: 'silent'; readonly because: string }
  /** The server could not be reached, or lets nobody in. */
  | {
      readonly kind: 'away';
      readonly because: string;
      readonly failure: ErrorCode;
      /** Nobody was there to be asked. */
      readonly isUnreached?: boolean;
      /** It lets nobody in, and does not say what it wants: so do servers that do not know the session. */
      readonly refusal?: Refusal;
    }
  /** The session was replaced meanwhile. */
  | { readonly kind: 'over'; readonly because: string };

export interface PingerOptions {
  readonly clock: Clock;
  readonly newId: () => string;
  /** Aborted when the connection closes. */
  readonly closing: AbortSignal;
  /** How long an answer to a ping is waited for, in ms. */
  readonly timeoutMs: number;
  /** The same where something else can go on without, in ms; less for a server that usually answers faster. */
  readonly proofTimeoutMs: number;
}

type Doubt = Extract<Outcome, { kind: 'unclear' }>;

/** A ping that was refused by whoever answered it, without a word of the session. */
export type RefusedPing = Extract<ProbeResult, { kind: 'refused' | 'away' }> & { readonly refusal: Refusal };

export function isRefused(answer: ProbeResult): answer is RefusedPing {
  return answer.kind === 'refused' || (answer.kind === 'away' && answer.refusal !== undefined);
}

interface SentPing {
  readonly session: Session;
  readonly startedAt: number;
}

/**
 * Asks a server by `ping` whether a session is alive, and learns whether it can be asked at all: there are servers that
 * answer every request but pings. That they do not answer one says nothing of their session.
 */
export class Pinger {
  readonly #options: PingerOptions;
  readonly #underWay = new Map<Session, Promise<ProbeResult>>();
  /** Pings whose answer may come on the server's own stream. */
  readonly #awaited = new Map<RequestId, (answer: Outcome) => void>();
  /** The last ping that has no answer so far, or never got one. */
  #unanswered: SentPing | undefined;
  /** The first of the pings in a row that were refused. */
  #refused: SentPing | undefined;
  /** Whether the last ping that is over had no answer. */
  #wasSilent = false;
  #isFutile = false;
  #roundTripMs: number | undefined;

  constructor(options: PingerOptions) {
    this.#options = options;
  }

  /** Whether the server has answered requests, but not the ping before them; until it answers a ping. */
  get isFutile(): boolean {
    return this.#isFutile;
  }

  /** The same of one that gave no answer at all: to ask it is a waste of time. */
  get isMute(): boolean {
    return this.#isFutile && this.#wasSilent;
  }

  /** Learnt another way: a new session refused the ping as well. */
  noteFutility(): void {
    this.#isFutile = true;
  }

  /** For how long pings on this session have been refused by whoever answered them, in ms; 0: for none. */
  refusedForMs(session: Session): number {
    return this.#refused?.session === session ? this.#options.clock.monotonic() - this.#refused.startedAt : 0;
  }

  /** Counts refusals anew. */
  forgetRefusals(): void {
    this.#refused = undefined;
  }

  /** What is left of so many ms for the answer to a ping on this session, which may be under way already. */
  leftMs(session: Session, limitMs: number): number {
    const startedAt = this.#underWay.has(session) ? this.#unanswered?.startedAt : undefined;
    const passedMs = startedAt === undefined ? 0 : this.#options.clock.monotonic() - startedAt;
    return Math.max(0, limitMs - passedMs);
  }

  get proofTimeoutMs(): number {
    return this.#options.proofTimeoutMs;
  }

  /** How long an answer to a ping is waited for where something else can go on without, in ms. */
  get briefMs(): number {
    const { proofTimeoutMs } = this.#options;
    const usual = this.#roundTripMs === undefined ? proofTimeoutMs : ROUND_TRIPS * this.#roundTripMs;
    return Math.min(proofTimeoutMs, Math.max(MIN_BRIEF_MS, usual));
  }

  /** One `ping` on a session, however many ask at the same time. Never rejects. */
  ping(session: Session): Promise<ProbeResult> {
    const underWay = this.#underWay.get(session);
    if (underWay) return underWay;
    const asked = this.#ping(session).finally(() => this.#underWay.delete(session));
    this.#underWay.set(session, asked);
    return asked;
  }

  /** An answer that came on the server's own stream, if it is that to a ping. */
  answerElsewhere(response: Response): void {
    this.#awaited.get(knownId(response.id, this.#awaited))?.({ kind: 'answered', response });
  }

  /** A request that went out at `sentAt` was answered on a session. */
  noteAnswer(session: Session, sentAt: number): void {
    this.#learn(this.#options.clock.monotonic() - sentAt);
    const ping = this.#unanswered;
    if (ping?.session !== session || sentAt < ping.startedAt) return;
    // One that is a moment under way may still be answered.
    if (!this.#underWay.has(session) || this.leftMs(session, this.briefMs) === 0) this.#isFutile = true;
  }

  async #ping(session: Session): Promise<ProbeResult> {
    const { clock, closing, newId, timeoutMs } = this.#options;
    const ping: Request = { jsonrpc: '2.0', id: newId(), method: 'ping' };
    const startedAt = clock.monotonic();
    this.#unanswered = { session, startedAt };
    const limit = deadline(clock, timeoutMs, closing);
    const outcome = await this.#answerTo(ping, session, limit.signal).finally(limit.release);
    this.#wasSilent = outcome.kind === 'aborted';
    if (outcome.kind === 'aborted' || (outcome.kind === 'accepted' && session.ended.signal.aborted)) {
      return session.ended.signal.aborted
        ? { kind: 'over', because: 'the session was replaced' }
        : { kind: 'silent', because: `no answer to a ping within ${timeoutMs} ms` };
    }
    const answer = resultOf(outcome);
    if (isRefused(answer)) {
      if (this.#refused?.session !== session) this.#refused = { session, startedAt };
      return answer;
    }
    this.#unanswered = undefined;
    this.#refused = undefined;
    if (answer.kind === 'alive') {
      this.#isFutile = false;
      this.#learn(clock.monotonic() - startedAt);
    }
    return answer;
  }

  /** How a ping ended. One that was taken by 202 has its answer on the server's own stream, as long as one may come. */
  async #answerTo(ping: Request, session: Session, signal: AbortSignal): Promise<Outcome> {
    const { promise: elsewhere, resolve } = Promise.withResolvers<Outcome>();
    this.#awaited.set(ping.id, resolve);
    let streamless: { dispose(): void } | undefined;
    try {
      const outcome = await Promise.race([session.wire.request(ping, { signal }), elsewhere]);
      if (outcome.kind !== 'accepted') return outcome;
      const giveUp = () => resolve(outcome);
      streamless = session.onStreamless(giveUp);
      const over = AbortSignal.any([signal, session.ended.signal]);
      if (over.aborted) giveUp();
      over.addEventListener('abort', giveUp, { once: true });
      return await elsewhere;
    } finally {
      streamless?.dispose();
      this.#awaited.delete(ping.id);
    }
  }

  /** The shortest of late: a call takes as long as its tool does, and at least a round trip. */
  #learn(durationMs: number): void {
    const before = this.#roundTripMs ?? Number.POSITIVE_INFINITY;
    this.#roundTripMs = durationMs <= before ? durationMs : before + (durationMs - before) / 8;
  }
}

function resultOf(outcome: Outcome): ProbeResult {
  switch (outcome.kind) {
    case 'accepted':
      return refused(ACCEPTED, 'it was taken and not answered');
    case 'answered': {
      const refusal = refusalIn(outcome);
      return refusal ? { kind: 'alive', refusal } : { kind: 'alive' };
    }
    case 'lost':
      return { kind: 'lost', because: outcome.because };
    case 'unclear':
      // A ping has no argument that could be meant by "session": what is said of one is said of ours.
      return outcome.outright ? { kind: 'lost', because: outcome.because } : resultOfDoubt(outcome);
    case 'failed':
      return resultOfFailure(outcome.error);
    case 'unavailable':
      return outcome.status === undefined
        ? {
            kind: 'away',
            because: outcome.because,
            failure: 'SERVER_UNAVAILABLE',
            isUnreached: isUnreached(outcome),
          }
        : { ...refused(outcome.status, outcome.because), retryAfterMs: outcome.retryAfterMs };
    case 'broken':
      return { kind: 'away', because: outcome.because, failure: 'SERVER_UNAVAILABLE' };
    default:
      return { kind: 'silent', because: 'the ping was given up' };
  }
}

function resultOfDoubt({ status = 0, because, otherwise }: Doubt): ProbeResult {
  if (otherwise.kind !== 'failed' || otherwise.error.code !== 'UNAUTHORIZED') return refused(status, because);
  return { ...notLetIn(otherwise.error), refusal: { status, words: because } };
}

function resultOfFailure(error: ResilientMcpError): ProbeResult {
  return error.code === 'UNAUTHORIZED' ? notLetIn(error) : refused(error.status, error.message);
}

function notLetIn({ message, code }: ResilientMcpError): Extract<ProbeResult, { kind: 'away' }> {
  return { kind: 'away', because: message, failure: code };
}

function refused(status: number | undefined, words: string): Extract<ProbeResult, { kind: 'refused' }> {
  const because = `a ping was refused (${words.replace(/\.$/, '')})`;
  return { kind: 'refused', refusal: { status: status ?? 200, words }, because };
}

/** An outcome as a refusal of the server's, if it is one. */
export function refusalIn(outcome: Outcome): Refusal | undefined {
  switch (outcome.kind) {
    case 'answered': {
      const { response } = outcome;
      if (!isErrorResponse(response)) return undefined;
      return { status: 200, words: `${response.error.code}: ${response.error.message}` };
    }
    case 'lost':
    case 'unclear':
      return outcome.status === undefined ? undefined : { status: outcome.status, words: outcome.because };
    case 'failed':
      return { status: outcome.error.status ?? 200, words: outcome.error.message };
    default:
      return undefined;
  }
}
