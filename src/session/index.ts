/** `resilient-mcp/client`: a connection to an MCP server that heals itself. */
export type { AuthorizationAllowances } from '../protocol/authorization-targets.ts';
export {
  type ErrorCode,
  type ErrorDetails,
  isResilientMcpError,
  ResilientMcpError,
} from '../protocol/errors.ts';
export type { ReplayPolicy, ToolHints } from '../protocol/replay.ts';
export type { Clock, Environment, Fetch } from './environment.ts';
export type { Fault, FaultKind } from './fault.ts';
export type { HealingTransport, MessageOrigin } from './healing-transport.ts';
export type { Fact, FactKind, Journal, JournalEntry, Subscription } from './journal.ts';
export type { LatencySummary, MetricsSnapshot } from './metrics.ts';
export type {
  HealingOptions,
  Limits,
  RecoveryOptions,
  ReplayOptions,
  ResilientTransportOptions,
} from './options.ts';
export { ResilientTransport } from './resilient-transport.ts';
export type { ResumableSession } from './resumable.ts';
export type { ConnectionSnapshot, ConnectionStatus, RecoverySummary } from './snapshot.ts';
