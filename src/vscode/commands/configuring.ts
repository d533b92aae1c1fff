/** The commands by which a person sets servers up. Loaded when one of them is asked for. */

export { protectServer } from '../import/protect-server.ts';
export { enterInput } from '../settings/enter-inputs.ts';
export { copyGatewayConfiguration } from './copy-configuration.ts';
export { renewGatewayToken, tellMoved } from './renew-token.ts';
