import { type ErrorCode, isResilientMcpError } from '../../protocol/errors.ts';
import type { Interruption } from '../../protocol/replay.ts';
import type { Session } from '../session/session.ts';
import type { OpenOutcome } from '../wire/wire.ts';

/** How one attempt to open a session ended. */
export type AttemptResult = { readonly kind: 'opened'; readonly session: Session } | FailedAttempt;

export interface FailedAttempt extends AttemptFailure {
  readonly kind: 'failed';
}

/** Why an attempt brought nothing, in the words and the code that a caller is told. */
export interface AttemptFailure {
  readonly reason: string;
  readonly failure: ErrorCode;
  readonly retryAfterMs?: number | undefined;
  /** Nobody was there to be asked. */
  readonly isUnreached?: boolean;
  /** No further attempt can help: give up at once. */
  readonly final?: boolean;
  /** The server is there, and refused a ping or did not answer it: that alone holds up no request. */
  readonly byPing?: boolean;
}

/** A failed opening, in the words and the code that a caller is told. */
export function openingFailure(outcome: Exclude<OpenOutcome, { kind: 'opened' }>): FailedAttempt {
  switch (outcome.kind) {
    case 'refused':
      return {
        kind: 'failed',
        reason: `the server refused initialize: ${outcome.response.error.message}`,
        failure: 'SERVER_UNAVAILABLE',
      };
    case 'failed': {
      const failure = failureOf(outcome.error);
      return { kind: 'failed', reason: outcome.error.message, failure, final: needsPerson(failure) };
    }
    case 'aborted':
      return { kind: 'failed', reason: 'the attempt was given up', failure: 'SERVER_UNAVAILABLE' };
    case 'unavailable':
      return {
        kind: 'failed',
        reason: outcome.because,
        failure: failureOf(outcome.cause),
        retryAfterMs: outcome.retryAfterMs,
        isUnreached: isUnreached(outcome),
      };
    default:
      return { kind: 'failed', reason: outcome.because, failure: 'SERVER_UNAVAILABLE' };
  }
}

/** Whether nobody was there to be asked: no connection was made. */
export function isUnreached(outcome: { interruption: Interruption; status?: number | undefined }): boolean {
  return outcome.interruption === 'notExecuted' && outcome.status === undefined;
}

/** No attempt helps before somebody has signed in: those who wait are told at once. */
export function needsPerson(failure: ErrorCode): boolean {
  return failure === 'UNAUTHORIZED';
}

/** What a caller is to branch on where it is more than that there is no session. */
function failureOf(error: unknown): ErrorCode {
  const isTold =
    isResilientMcpError(error, 'UNAUTHORIZED') || isResilientMcpError(error, 'SERVER_NOT_STARTED');
  return isTold ? error.code : 'SERVER_UNAVAILABLE';
}
