import type { ErrorResponse, Request } from './message.ts';

/** The revisions with sessions, latest first, as a server names them that is asked for another. */
const REVISIONS_WITH_SESSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
/** The first revision without. */
const FIRST_STATELESS_REVISION = '2026-07-28';

const UNSUPPORTED_PROTOCOL_VERSION = -32022;
const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';

/**
 * The answer to a request of the stateless era (MCP 2026-07-28, basic/versioning) from `speaker`, who speaks only the
 * one with sessions; undefined for any other request. A client that speaks both eras goes on with `initialize` then,
 * and one that is bound to the other fails with these words.
 */
export function refusedEra({ id, method, params }: Request, speaker: string): ErrorResponse | undefined {
  const meta = params?._meta as Readonly<Record<string, unknown>> | undefined;
  const requested = meta?.[VERSION_KEY];
  if (method !== 'server/discover' && requested === undefined) return undefined;
  const message = `${speaker} speaks the revisions of MCP with sessions, up to ${REVISIONS_WITH_SESSIONS[0]}: begin with initialize.`;
  const data = { supported: REVISIONS_WITH_SESSIONS, requested: requested ?? FIRST_STATELESS_REVISION };
  return { jsonrpc: '2.0', id, error: { code: UNSUPPORTED_PROTOCOL_VERSION, message, data } };
}
