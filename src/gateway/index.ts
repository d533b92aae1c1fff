/** `resilient-mcp/gateway`: a local endpoint through which any MCP client gets connections that heal themselves. */

export {
  type ErrorCode,
  type ErrorDetails,
  isResilientMcpError,
  ResilientMcpError,
} from '../protocol/errors.ts';
export type { HealingTransport, MessageOrigin } from '../session/healing-transport.ts';
export type { ResumableSession } from '../session/index.ts';
export { Gateway } from './gateway.ts';
export type { GatewayMemory, GatewayOptions, GatewayRecord } from './options.ts';
export type { OnRefused, RefusedClient } from './refused-clients.ts';
export type {
  GatewayUpstream,
  HttpUpstream,
  OpenHow,
  OpenUpstream,
  UpstreamConnection,
} from './upstream.ts';
