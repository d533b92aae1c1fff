import { describeError, isResilientMcpError } from '../../protocol/errors.ts';
import type { RequestId, Response } from '../../protocol/message.ts';

/** JSON-RPC's range for errors of an implementation. What is to be branched on is `data.code`. */
const UPSTREAM_FAILED = -32000;

/**
 * What a client is told of a request that the connection to the server could not get answered. What the server said that
 * is no answer is told in words: a client that gets what it cannot read passes it over, and waits.
 */
export function failureAnswer(id: RequestId, error: unknown): Response {
  const words = describeError(error);
  if (!isResilientMcpError(error)) {
    return { jsonrpc: '2.0', id, error: { code: UPSTREAM_FAILED, message: words } };
  }
  const { code, status, advice } = error;
  // Clients show a person the message and nothing else.
  const message = advice === undefined ? words : `${words.replace(/\.?$/, '.')} ${advice}`;
  const data = { code, ...(status !== undefined && { status }) };
  return { jsonrpc: '2.0', id, error: { code: UPSTREAM_FAILED, message, data } };
}
