import { type ErrorCode, isResilientMcpError } from '../../protocol/errors.ts';
import { type FailedAttempt, isUnreached, needsPerson } from '../recovery/attempt.ts';
import type { OpenOutcome } from '../wire/wire.ts';

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

/** What a caller is to branch on where it is more than that there is no session. */
function failureOf(error: unknown): ErrorCode {
  const isTold =
    isResilientMcpError(error, 'UNAUTHORIZED') || isResilientMcpError(error, 'SERVER_NOT_STARTED');
  return isTold ? error.code : 'SERVER_UNAVAILABLE';
}
