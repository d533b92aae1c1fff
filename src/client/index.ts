/** `resilient-mcp/client`: a connection to an MCP server that heals itself. */

export type { Clock, Environment, Fetch } from '../base/environment.ts';
export {
  type ErrorCode,
  type ErrorDetails,
  isResilientMcpError,
  ResilientMcpError,
} from '../protocol/errors.ts';
export type { AuthorizationAllowances } from '../protocol/http/authorization-targets.ts';
export type { ReplayPolicy, ToolHints } from '../protocol/replay.ts';
export type { Fault, FaultKind } from './fault.ts';
export type { HealingTransport, MessageOrigin } from './healing-transport.ts';
export type { ResumableSession } from './memory/resumable.ts';
export type {
  Fact,
  FactKind,
  JournalEntry,
  JournalReader as Journal,
  Subscription,
} from './observe/journal.ts';
export type { LatencySummary, MetricsSnapshot } from './observe/metrics.ts';
export type { ConnectionSnapshot, ConnectionStatus, RecoverySummary } from './observe/snapshot.ts';
export type {
  HealingOptions,
  Limits,
  RecoveryOptions,
  ReplayOptions,
  ResilientTransportOptions,
} from './options.ts';
export { ResilientTransport } from './resilient-transport.ts';
