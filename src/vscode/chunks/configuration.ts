/** The commands for configuration. Loaded on first use. */

export { copyGatewayConfiguration } from '../gateway/copy-configuration.ts';
export { renewGatewayToken, tellMoved } from '../gateway/renew-token.ts';
export { protectServer } from '../import/protect-server.ts';
export { enterInput } from '../settings/enter-inputs.ts';
