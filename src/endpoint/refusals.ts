import type { RequestId } from '@modelcontextprotocol/sdk/types.js';
import { textOf } from '../protocol/text/message-text.ts';
import type { HttpAnswer } from './http.ts';

/** Codes of JSON-RPC 2.0, and those of the SDK's server transport in the same cases. */
export const rpcCode = {
  parseError: -32700,
  invalidRequest: -32600,
  internalError: -32603,
  refused: -32000,
  sessionNotFound: -32001,
} as const;

export interface Refusal {
  readonly status: number;
  readonly code: number;
  /** Sent to any client: it says what to do, and reveals no internals. */
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Id of the refused request, if only that request is known. */
  readonly id?: RequestId | undefined;
}

/**
 * Thrown for a request that is not served. Only the manager catches it, and answers. Any other error is a
 * fault of ours or of the server's author: 500, and an error in the log.
 */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly refusal: Refusal;

  /** @param why for the log, when it says more than the client may know */
  constructor(refusal: Refusal, why = refusal.message) {
    super(why);
    this.refusal = refusal;
  }
}

/** A refusal as an answer with a JSON-RPC error; `id` is null when the request's own could not be read. */
export function refuse(refusal: Refusal, id: RequestId | null = null): HttpAnswer {
  const { status, code, message, headers } = refusal;
  const body = textOf({ jsonrpc: '2.0', error: { code, message }, id: refusal.id ?? id });
  return { status, headers: { 'content-type': 'application/json', ...headers }, body };
}

/** MCP 2025-11-25, session management, 2: a request without the session id that it needs. */
export const missingId: Refusal = {
  status: 400,
  code: rpcCode.refused,
  message: 'Bad Request: Mcp-Session-Id header is required',
};

/** MCP 2025-11-25, basic: an id MUST NOT have been used before. The answer to one of two would be lost. */
export const idIsTaken: Refusal = {
  status: 400,
  code: -32600,
  message: 'Invalid Request: a request with this id is under way in this session',
};

export const malformedId: Refusal = {
  status: 400,
  code: rpcCode.refused,
  message: 'Bad Request: Mcp-Session-Id may have visible ASCII characters only',
};

/**
 * 404 tells a client to initialize again (MCP 2025-11-25, session management, 4). The answer is the same for
 * every invalid id (never issued, ended, expired, another principal's). Only the log tells them apart.
 */
export const unknownId: Refusal = {
  status: 404,
  code: rpcCode.sessionNotFound,
  message: 'Session not found',
};

export const wrongMethod: Refusal = {
  status: 405,
  code: rpcCode.refused,
  message: 'Method not allowed',
  headers: { allow: 'GET, POST, DELETE' },
};

/** RFC 6585, 5. */
export function headersTooLarge(maxBytes: number): Refusal {
  return { status: 431, code: rpcCode.refused, message: `The headers are larger than ${maxBytes} bytes.` };
}

/** The server is temporarily unable to serve the request: 503 with `Retry-After`. */
export function unavailable(message: string, retryAfterSeconds: number, status: 503 | 429 = 503): Refusal {
  return { status, code: rpcCode.refused, message, headers: { 'retry-after': String(retryAfterSeconds) } };
}
