import type { HttpResponse } from '../../../base/http-client.ts';
import { describeError, isResilientMcpError, ResilientMcpError } from '../../../protocol/errors.ts';
import { retryAfterMs } from '../../../protocol/http/headers.ts';
import { withoutSecrets } from '../../../protocol/http/secrets.ts';
import type { RequestId } from '../../../protocol/message.ts';
import { type Outcome, outcomeOf } from '../../../protocol/outcome.ts';
import { verdictOf } from '../../../protocol/verdict.ts';
import { isNetworkError, networkOutcome } from '../http/network-error.ts';

/**
 * What the errors of the SDK's transports mean (1.30 to 1.32, and 2.4). They have neither codes nor classes that all of them
 * share, so their words and shapes are read here, and nowhere else.
 */

type Failure = Exclude<Outcome, { kind: 'answered' } | { kind: 'accepted' } | { kind: 'aborted' }>;

/** A transport of this project throws it where a server has refused a request by its status. */
export class HttpRefusal extends Error {
  readonly status: number;
  readonly body: string;
  readonly challenge: string | null;
  readonly retryAfter: string | null;

  constructor({ status, headers }: Pick<HttpResponse, 'status' | 'headers'>, body: string) {
    super(`The server answered ${status}.`);
    this.status = status;
    this.body = body;
    this.challenge = headers.get('www-authenticate');
    this.retryAfter = headers.get('retry-after');
  }
}

/** `SSEClientTransport.send()`: `Error POSTing to endpoint (HTTP 404): …`. */
const POST_REFUSED = /^Error POSTing to endpoint \(HTTP (\d{3})\): ([\s\S]*)$/;
/** Before `start()`, and once the process or the stream is gone; nothing was written. */
const NOT_CONNECTED = 'Not connected';

/**
 * How a message ended whose `send()` was refused. A message that was certainly not written did not run; of every other
 * it is not known.
 */
export function sendFailure(error: unknown, message: SentMessage): Failure {
  if (isResilientMcpError(error, 'CONNECTION_CLOSED')) return { kind: 'lost', because: error.message };
  if (isResilientMcpError(error)) return { kind: 'failed', error };
  if (isUnauthorized(error)) return unauthorized(error);
  if (error instanceof HttpRefusal) return refusal(error, message);
  if (!(error instanceof Error)) return { kind: 'broken', because: describeError(error), cause: error };
  if (error.message === NOT_CONNECTED) return { kind: 'lost', because: 'it is not connected any more' };
  const [, status, body = ''] = POST_REFUSED.exec(error.message) ?? [];
  return status === undefined
    ? (networkOutcome(error) as Failure)
    : refusal({ status: Number(status), body, challenge: null, retryAfter: null }, message);
}

export interface SentMessage {
  readonly requestId?: RequestId | undefined;
  readonly initialize: boolean;
  /** What a server that repeats what it was sent must not have shown. */
  readonly secrets: ReadonlyMap<string, string>;
  /** In ms since the epoch. */
  readonly now: number;
}

/** How an attempt ended whose transport could not be started. */
export function startFailure(error: unknown, attempt: SentMessage): Failure {
  if (error instanceof HttpRefusal) return refusal(error, attempt);
  if (isResilientMcpError(error, 'SERVER_UNAVAILABLE') || isResilientMcpError(error, 'CONNECTION_CLOSED')) {
    return { kind: 'unavailable', interruption: 'notExecuted', because: error.message, cause: error };
  }
  if (isResilientMcpError(error)) return { kind: 'failed', error };
  if (isUnauthorized(error)) return unauthorized(error);
  const because = describeError(error);
  const { code } = error as { readonly code?: unknown };
  // SseError: the status with which the stream was refused.
  if (typeof code === 'number') {
    return refusal({ status: code, body: '', challenge: null, retryAfter: null }, attempt);
  }
  if (code === 'ENOENT' || code === 'EACCES') {
    return { kind: 'failed', error: new ResilientMcpError('SERVER_NOT_STARTED', because, { cause: error }) };
  }
  return { kind: 'unavailable', interruption: 'notExecuted', because, cause: error };
}

/**
 * Whether an error of `onerror` says that the event stream broke. `SSEClientTransport` then opens another, which is
 * another session, and says nothing of it: whoever does not look here sends on to a session that was never initialized.
 */
export function isStreamBreak(error: Error): boolean {
  return 'event' in error;
}

/** Whether an error of `onerror` is told by the `send()` that it is about as well. */
export function isToldBySend(error: Error): boolean {
  if (isResilientMcpError(error)) return false;
  return POST_REFUSED.test(error.message) || isNetworkError(error) || isUnauthorized(error);
}

function refusal(answer: Omit<HttpRefusal, keyof Error>, message: SentMessage): Failure {
  const { initialize, requestId, secrets, now } = message;
  const { status, challenge } = answer;
  const body = withoutSecrets(answer.body, secrets);
  const verdict = verdictOf({
    method: 'POST',
    // The address that it was sent to is the session's own.
    sentSessionId: !initialize,
    initialize,
    requestId,
    status,
    body,
    challenge,
  });
  // The session is the stream, or the process: no server can mean one that it does not know.
  const told = verdict.kind === 'authorization' ? { ...verdict, isUnchallenged: false } : verdict;
  const words = `The server answered ${status}${body && !/^\s*</.test(body) ? `: ${body.slice(0, 200)}` : ''}.`;
  const details = { status, body: body.slice(0, 2048) };
  const advice = 'It wants an Authorization header that it takes.';
  return outcomeOf(told, {
    status,
    retryAfterMs: retryAfterMs(answer.retryAfter, now),
    now,
    refused: (code) => ({
      kind: 'failed',
      error: new ResilientMcpError(code, words, code === 'UNAUTHORIZED' ? { ...details, advice } : details),
    }),
  }) as Failure;
}

/** That of the SDK 1.x, or of 2.x, which is another class. */
function isUnauthorized(error: unknown): error is Error {
  // Its class is not imported: that loads all of the SDK's OAuth. Minified code has another name and the same words.
  return (
    error instanceof Error &&
    (error.constructor.name === 'UnauthorizedError' || error.message === 'Unauthorized')
  );
}

function unauthorized(error: Error): Failure {
  const advice = 'It wants an Authorization header that it takes, or an authProvider that can get one.';
  const words = 'The server wants authorization that the connection does not have.';
  return {
    kind: 'failed',
    error: new ResilientMcpError('UNAUTHORIZED', words, { status: 401, advice, cause: error }),
  };
}
