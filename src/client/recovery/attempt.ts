import type { ErrorCode } from '../../protocol/errors.ts';
import type { Interruption } from '../../protocol/replay.ts';
import type { Session } from '../session/session.ts';

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

/** Whether nobody was there to be asked: no connection was made. */
export function isUnreached(outcome: { interruption: Interruption; status?: number | undefined }): boolean {
  return outcome.interruption === 'notExecuted' && outcome.status === undefined;
}

/** No attempt helps before somebody has signed in: those who wait are told at once. */
export function needsPerson(failure: ErrorCode): boolean {
  return failure === 'UNAUTHORIZED';
}
