/** `resilient-mcp/gateway`: a local endpoint through which any MCP client gets connections that heal themselves. */
export { Gateway, type GatewayOptions, type GatewayServer } from './gateway.ts';
