import { ResilientMcpError } from './errors.ts';
import { withRetryTime } from './http/retry-time.ts';
import { isWellFormed, type Response } from './message.ts';
import type { Interruption } from './replay.ts';
import { textOf } from './text/message-text.ts';
import type { Verdict } from './verdict.ts';

/** How a message ended. */
export type Outcome =
  /** The answer to a request: a result or a JSON-RPC error. */
  | { readonly kind: 'answered'; readonly response: Response }
  /** A message without an answer was taken. */
  | { readonly kind: 'accepted' }
  /**
   * The server says that the session is gone. The message was not executed. `status`: of HTTP, where that is spoken;
   * `otherwise`: what it means if the session turns out to be alive, where only words said so.
   */
  | {
      readonly kind: 'lost';
      readonly because: string;
      readonly status?: number | undefined;
      readonly otherwise?: Outcome | undefined;
    }
  /** It may mean a lost session. `otherwise` is what it means if the session turns out to be alive. */
  | {
      readonly kind: 'unclear';
      /** Whether it says in words that the session is unknown. */
      readonly outright: boolean;
      /** Whether the request can have run, should the session prove lost. */
      readonly interruption: Interruption;
      readonly because: string;
      readonly status?: number | undefined;
      readonly otherwise: Outcome;
    }
  /** The server could not be reached, or said that it is busy. */
  | {
      readonly kind: 'unavailable';
      readonly interruption: Interruption;
      readonly because: string;
      /** The HTTP status that said so; undefined when no answer came. */
      readonly status?: number | undefined;
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    }
  /** It was sent; then the connection or the stream broke. */
  | {
      readonly kind: 'broken';
      readonly because: string;
      /** The HTTP status, when the head of an answer had come. */
      readonly status?: number | undefined;
      readonly lastEventId?: string | undefined;
      /** How long to wait before resuming, as the server asked (`retry:`), in ms. */
      readonly retryMs?: number | undefined;
      /** The server would not let the stream be taken up: trying that again is of no use. */
      readonly resumeRefused?: boolean;
      readonly cause?: unknown;
    }
  /** Refused for another reason, or not understood. Final. */
  | { readonly kind: 'failed'; readonly error: ResilientMcpError }
  /** Given up by the caller. */
  | { readonly kind: 'aborted' };

export type OutcomeOf<K extends Outcome['kind']> = Extract<Outcome, { readonly kind: K }>;

/** An answer by HTTP that is no good one. */
export interface RefusalByHttp {
  readonly status: number;
  /** Of `Retry-After`, in ms. */
  readonly retryAfterMs: number | undefined;
  /** In ms since the epoch. */
  readonly now: number;
  /** The refusal as the end of its request, when it is not about the session. */
  readonly refused: (code: 'HTTP_STATUS' | 'UNAUTHORIZED') => OutcomeOf<'failed' | 'answered'>;
}

/** How a message ended that was answered by HTTP with a status that is no good one. */
export function outcomeOf(verdict: Verdict, answer: RefusalByHttp): Outcome {
  const { status, retryAfterMs, now, refused } = answer;
  switch (verdict.kind) {
    case 'sessionLost': {
      const otherwise = verdict.byWords ? refused('HTTP_STATUS') : undefined;
      return { kind: 'lost', because: verdict.because, status, otherwise };
    }
    case 'unclear': {
      const otherwise = refused('HTTP_STATUS');
      // What says neither that it is about the session nor that the request was bad may come from the midst of a run.
      const isRefusal = verdict.outright || (status < 500 && otherwise.kind !== 'answered');
      return { ...verdict, interruption: isRefusal ? 'notExecuted' : 'unknown', status, otherwise };
    }
    case 'unavailable':
      return {
        kind: 'unavailable',
        interruption: verdict.executed === 'no' ? 'refused' : 'unknown',
        because: withRetryTime(verdict.because, retryAfterMs, now),
        status,
        retryAfterMs,
      };
    case 'authorization': {
      const otherwise = refused('UNAUTHORIZED');
      return verdict.isUnchallenged ? notChallenged(verdict, otherwise) : otherwise;
    }
    default:
      return refused('HTTP_STATUS');
  }
}

/** A 401 that does not say what it wants may be about the session. */
export function notChallenged({ because }: VerdictOf<'authorization'>, otherwise: Outcome): Outcome {
  return { kind: 'unclear', outright: false, interruption: 'notExecuted', because, status: 401, otherwise };
}

type VerdictOf<K extends Verdict['kind']> = Extract<Verdict, { readonly kind: K }>;

/** How much of an invalid answer is quoted, in characters, in the message and beside it. */
const MAX_WORDS = 200;
const MAX_BODY = 2048;

/**
 * How a request ends that was answered under its id. An answer that nobody can read as one ends it too, and is told:
 * its caller would wait in vain for another.
 */
export function answered(response: Response): Outcome {
  if (isWellFormed(response)) return { kind: 'answered', response };
  const body = textOf(response).slice(0, MAX_BODY);
  const words = `The server's answer is neither a result nor an error: ${body.slice(0, MAX_WORDS)}`;
  return {
    kind: 'failed',
    error: new ResilientMcpError('PROTOCOL_VIOLATION', words, { body }),
  };
}
