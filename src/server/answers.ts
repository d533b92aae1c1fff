import type { RequestId } from '@modelcontextprotocol/sdk/types.js';

/** Codes of JSON-RPC 2.0, and those that the SDK's server transport answers in the same cases. */
export const rpcCode = {
  parseError: -32700,
  internalError: -32603,
  refused: -32000,
  sessionNotFound: -32001,
} as const;

export interface Refusal {
  readonly status: number;
  readonly code: number;
  /** Goes to the client, whoever it is: it says what to do, and nothing of the inside. */
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal as an HTTP response with a JSON-RPC error; `id` is null when the request's own could not be read. */
export function refuse({ status, code, message, headers }: Refusal, id: RequestId | null = null): Response {
  const body = JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id });
  return new Response(body, { status, headers: { 'content-type': 'application/json', ...headers } });
}
