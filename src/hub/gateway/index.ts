/** `resilient-mcp/gateway`: a local endpoint that gives any MCP client self-healing connections. */

export type { HealingTransport, MessageOrigin } from '../../client/healing-transport.ts';
export type { ResumableSession } from '../../client/index.ts';
export {
  type ErrorCode,
  type ErrorDetails,
  isResilientMcpError,
  ResilientMcpError,
} from '../../protocol/errors.ts';
export type { GatewayMemory } from '../clients/session-memory.ts';
export type { OpenHow, UpstreamConnection } from '../server-definition.ts';
export type { RefusedClient } from '../snapshot.ts';
export { Gateway } from './gateway.ts';
export type { GatewayOptions, GatewayRecord, OnRefused } from './options.ts';
export type { GatewayUpstream, HttpUpstream, OpenUpstream } from './upstream.ts';
