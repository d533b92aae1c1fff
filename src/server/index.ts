/** `resilient-mcp/server`: sessions for a server that is written with the MCP SDK. */
import './sdk-version.ts';

export {
  type ErrorCode,
  type ErrorDetails,
  isResilientMcpError,
  ResilientMcpError,
} from '../protocol/errors.ts';
export { expressHandler } from './adapters/express.ts';
export { honoHandler } from './adapters/hono.ts';
export { nodeListener } from './adapters/node-http.ts';
export type { ServerEnvironment } from './environment.ts';
export type { GuardOptions } from './guard.ts';
export type { RequestContext } from './incoming.ts';
export type { Log, LogRecord } from './log.ts';
export type { SessionManagerOptions } from './options.ts';
export type { SessionServer } from './session.ts';
export type { SessionKeyOptions } from './session-key.ts';
export { SessionManager } from './session-manager.ts';
export type { SessionFactory, SessionReason, SessionRequest } from './session-registry.ts';
export type { LogEntry, LogLimits, MessageBus, SessionStore } from './store.ts';
export { MemoryStore, type MemoryStoreOptions } from './stores/memory.ts';
export {
  type RedisClient,
  RedisStore,
  type RedisStoreOptions,
  type RedisSubscriber,
} from './stores/redis.ts';
export { SqliteStore, type SqliteStoreOptions } from './stores/sqlite.ts';
