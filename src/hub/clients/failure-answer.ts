import { describeError, isResilientMcpError } from '../../protocol/errors.ts';
import type { RequestId, Response } from '../../protocol/message.ts';

/** In JSON-RPC's range of implementation-defined errors. Programs branch on `data.code`. */
const UPSTREAM_FAILED = -32000;

/**
 * The error answer for a request that the connection could not get answered. An invalid answer of the server
 * is described in the message: a client ignores an answer it cannot parse, and waits.
 */
export function failureAnswer(id: RequestId, error: unknown): Response {
  const words = describeError(error);
  if (!isResilientMcpError(error)) {
    return { jsonrpc: '2.0', id, error: { code: UPSTREAM_FAILED, message: words } };
  }
  const { code, status, advice } = error;
  // Clients show only the message to the user.
  const message = advice === undefined ? words : `${words.replace(/\.?$/, '.')} ${advice}`;
  const data = { code, ...(status !== undefined && { status }) };
  return { jsonrpc: '2.0', id, error: { code: UPSTREAM_FAILED, message, data } };
}
