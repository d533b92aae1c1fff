/** The commands by which a person sets servers up. Loaded when one of them is asked for. */
export { copyGatewayConfiguration } from './copy-configuration.ts';
export { enterInput } from './enter-inputs.ts';
export { protectServer } from './protect-server.ts';
export { renewGatewayToken, tellMoved } from './renew-token.ts';
