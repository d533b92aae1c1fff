/** The commands by which a person sets servers up. Loaded when one of them is asked for. */

export { copyGatewayConfiguration } from '../gateway/copy-configuration.ts';
export { renewGatewayToken, tellMoved } from '../gateway/renew-token.ts';
export { protectServer } from '../import/protect-server.ts';
export { enterInput } from '../settings/enter-inputs.ts';
