/** `resilient-mcp/server`: sessions for a server that is written with the MCP SDK. */
export {
  type ErrorCode,
  type ErrorDetails,
  isResilientMcpError,
  ResilientMcpError,
} from '../protocol/errors.ts';
export { nodeListener } from './adapters/node-http.ts';
export type { ServerEnvironment } from './environment.ts';
export type { GuardOptions } from './guard.ts';
export type { Log, LogRecord } from './log.ts';
export type { RequestContext, SessionServer } from './session.ts';
export {
  type SessionFactory,
  SessionManager,
  type SessionManagerOptions,
  type SessionReason,
  type SessionRequest,
} from './session-manager.ts';
