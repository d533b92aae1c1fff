/** `resilient-mcp/gateway`: a local endpoint through which any MCP client gets connections that heal themselves. */

export type { HealingTransport, MessageOrigin } from '../../client/healing-transport.ts';
export type { ResumableSession } from '../../client/index.ts';
export {
  type ErrorCode,
  type ErrorDetails,
  isResilientMcpError,
  ResilientMcpError,
} from '../../protocol/errors.ts';
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
