import type { Clause } from './check.ts';

const transports = 'https://modelcontextprotocol.io/specification/2025-11-25/basic/transports';

const clause = (title: string, url: string): Clause => ({ title, url });

/** The rules that checks apply, named by the headings of the specification. */
export const CLAUSES = {
  sending: clause(
    'MCP 2025-11-25, Sending Messages to the Server',
    `${transports}#sending-messages-to-the-server`,
  ),
  listening: clause(
    'MCP 2025-11-25, Listening for Messages from the Server',
    `${transports}#listening-for-messages-from-the-server`,
  ),
  resumability: clause(
    'MCP 2025-11-25, Resumability and Redelivery',
    `${transports}#resumability-and-redelivery`,
  ),
  sessions: clause('MCP 2025-11-25, Session Management', `${transports}#session-management`),
  compatibility: clause('MCP 2025-11-25, Backwards Compatibility', `${transports}#backwards-compatibility`),
  stdio: clause('MCP 2025-11-25, stdio', `${transports}#stdio`),
  sse: clause(
    'MCP 2024-11-05, HTTP with SSE',
    'https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse',
  ),
  lifecycle: clause(
    'MCP 2025-11-25, Lifecycle',
    'https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle',
  ),
  ping: clause(
    'MCP 2025-11-25, Ping',
    'https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/ping',
  ),
  tools: clause(
    'MCP 2025-11-25, Tools',
    'https://modelcontextprotocol.io/specification/2025-11-25/server/tools',
  ),
  authorization: clause(
    'MCP 2025-11-25, Authorization',
    'https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization',
  ),
  stateless: clause(
    'MCP 2026-07-28, Versioning',
    'https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning',
  ),
} as const;
