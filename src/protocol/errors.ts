/**
 * Every failure of this project, as a code. Codes are part of the public API: their meaning never changes.
 * `message` is for people; `advice` is the next step.
 */
export type ErrorCode =
  /** The server kept refusing sessions that it had just issued (often a load balancer without affinity). */
  | 'SESSION_NOT_KEPT'
  /** No session could be opened within the caller's patience; attempts continue in the background. */
  | 'SERVER_UNAVAILABLE'
  /** The program of a local server could not be started, or ended before its first answer. */
  | 'SERVER_NOT_STARTED'
  /** The request was sent and no answer came: it may or may not have run. It was not sent again. */
  | 'OUTCOME_UNKNOWN'
  /** The server answered with an HTTP status that is no session loss; see `status` and `body`. */
  | 'HTTP_STATUS'
  /** The server requires authorization that the connection does not have. */
  | 'UNAUTHORIZED'
  /** The answer violates the protocol (content type, JSON, shape). */
  | 'PROTOCOL_VIOLATION'
  /** A limit was exceeded: a line, a body, a queue. `message` names the limit and its option. */
  | 'LIMIT_EXCEEDED'
  /** A page cursor of an old session: list again from the start. */
  | 'STALE_CURSOR'
  /** The request belongs to a session that no longer exists and must not go to the new one. */
  | 'STALE_REQUEST'
  /**
   * Another server answers than the one the call was meant for, or its tool is gone or has another input
   * schema. The call, which must not be repeated, was not sent to it.
   */
  | 'SERVER_CHANGED'
  /** The connection was closed by its owner. */
  | 'CONNECTION_CLOSED'
  /** The connection is paused by its owner; nothing was sent. It continues when resumed. */
  | 'CONNECTION_PAUSED'
  /** The connection was used before `start()`, or started twice. */
  | 'INVALID_STATE'
  /** The requested port is in use by another program; `message` names it. */
  | 'PORT_TAKEN'
  /** A setting or an option is invalid; `message` names the key. */
  | 'INVALID_CONFIGURATION';

export interface ErrorDetails {
  /** HTTP status of the answer that caused this, if there was one. */
  readonly status?: number | undefined;
  /** At most 2 KiB of that answer's body. */
  readonly body?: string | undefined;
  /** What the user can do about it, one sentence. */
  readonly advice?: string | undefined;
  readonly cause?: unknown;
}

const marker = Symbol.for('resilient-mcp.error');

/**
 * The one error type of this project. Branch on `code`, never on `message`. `instanceof` and {@link
 * isResilientMcpError} also recognize errors of a second copy of the library.
 */
export class ResilientMcpError extends Error {
  override readonly name = 'ResilientMcpError';
  readonly code: ErrorCode;
  readonly status: number | undefined;
  readonly body: string | undefined;
  readonly advice: string | undefined;
  readonly [marker] = true;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.body = details.body;
    this.advice = details.advice;
  }

  /** By the mark: an error that is also one of the SDK's has another prototype. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isResilientMcpError(value);
  }
}

/** True for a {@link ResilientMcpError} of any copy of this library; with `code`, of that code only. */
export function isResilientMcpError(error: unknown, code?: ErrorCode): error is ResilientMcpError {
  return (
    typeof error === 'object' &&
    error !== null &&
    marker in error &&
    (code === undefined || (error as ResilientMcpError).code === code)
  );
}

/** The message of any thrown value, including its cause, for a log line or the user. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause : undefined;
  // fetch says only "fetch failed"; the reason (ECONNREFUSED, other side closed) is in its cause.
  if (!cause) return error.message;
  // When every address of a name refused, the cause has a code and no message.
  const words = cause.message || ((cause as NodeJS.ErrnoException).code ?? cause.name);
  if (error.message.includes(words)) return error.message;
  return error.message.endsWith('.')
    ? `${error.message.slice(0, -1)} (${words.replace(/\.$/, '')}).`
    : `${error.message}: ${words}`;
}
