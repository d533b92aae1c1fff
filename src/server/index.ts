/** `resilient-mcp/server`: sessions for a server that is written with the MCP SDK. */
import './sdk/sdk-version.ts';

export type { GuardOptions } from '../endpoint/guard.ts';
export type { Handshake } from '../endpoint/handshake.ts';
export type { RequestContext } from '../endpoint/incoming.ts';
export {
  type ErrorCode,
  type ErrorDetails,
  isResilientMcpError,
  ResilientMcpError,
} from '../protocol/errors.ts';
export type { SettingsSnapshot } from '../protocol/session-settings.ts';
export { expressHandler } from './adapters/express.ts';
export { honoHandler } from './adapters/hono.ts';
export { nodeListener } from './adapters/node-http.ts';
export type { SessionKeyOptions } from './ids/session-key.ts';
export type { Log, LogRecord } from './log.ts';
export type { ServerEnvironment, SessionManagerOptions } from './options.ts';
export { SessionManager } from './session-manager.ts';
export type { SessionServer } from './sessions/session.ts';
export type { SessionFactory, SessionReason, SessionRequest } from './sessions/session-factory.ts';
export { MemoryStore, type MemoryStoreOptions } from './store/memory.ts';
export {
  type RedisClient,
  RedisStore,
  type RedisStoreOptions,
  type RedisSubscriber,
} from './store/redis.ts';
export { SqliteStore, type SqliteStoreOptions } from './store/sqlite.ts';
export type { LogEntry, LogLimits, MessageBus, SessionStore } from './store/store.ts';
