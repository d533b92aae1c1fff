import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { printableJson } from '../../base/printable.ts';
import { isMessage } from '../../protocol/message.ts';
import { type Refusal, Refused, rpcCode } from '../refusals.ts';

/** Refusals of a session's requests, in the words of the SDK's transport, which some clients read. */

const INVALID_PARAMS = -32602;

/** Maximum number of messages in one body, as in the SDK's transport. */
const MAX_BATCH = 100;

const refused = (status: number, message: string, code: number = rpcCode.refused): Refusal => ({
  status,
  code,
  message,
});

export const acceptsTooLittle = refused(
  406,
  'Not Acceptable: Client must accept both application/json and text/event-stream',
);
export const acceptsNoStream = refused(406, 'Not Acceptable: Client must accept text/event-stream');
export const noJsonType = refused(415, 'Unsupported Media Type: Content-Type must be application/json');
export const notInitialized = refused(400, 'Bad Request: Server not initialized');
export const alreadyInitialized = refused(
  400,
  'Invalid Request: Server already initialized',
  rpcCode.invalidRequest,
);
export const initializeNotAlone = refused(
  400,
  'Invalid Request: Only one initialization request is allowed',
  rpcCode.invalidRequest,
);
/** MCP 2025-11-25, lifecycle: parameters that a client MUST send. */
export const saysTooLittle = refused(
  400,
  'Bad Request: initialize needs protocolVersion, capabilities and clientInfo',
  INVALID_PARAMS,
);
/**
 * MCP 2025-11-25 allows several GET streams. The SDK's transport accepts one, so each message has one route.
 */
export const listensAlready = refused(409, 'Conflict: Only one SSE stream is allowed per session');

/** MCP 2025-11-25, protocol version header: a revision that is not known MUST be answered with 400. */
export function unknownRevision(revision: string, known: readonly string[]): Refusal {
  const named = printableJson(revision.slice(0, 100));
  return refused(
    400,
    `Bad Request: Unsupported protocol version: ${named} (supported versions: ${known.join(', ')})`,
  );
}

/** The messages of a body: one, or a batch (MCP 2025-03-26). @throws Refused when it holds anything else */
export function messagesIn(body: unknown): readonly JSONRPCMessage[] {
  const messages: readonly unknown[] = Array.isArray(body) ? body : [body];
  if (messages.length > MAX_BATCH) {
    const message = `Invalid Request: Batch must not exceed ${MAX_BATCH} messages`;
    throw new Refused(refused(400, message, rpcCode.invalidRequest));
  }
  if (!messages.every(isMessage)) {
    throw new Refused(refused(400, 'Parse error: Invalid JSON-RPC message', rpcCode.parseError));
  }
  return messages;
}
