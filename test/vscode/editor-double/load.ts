import { registerHooks } from 'node:module';

const double = new URL('./vscode.ts', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'vscode' ? { url: double, shortCircuit: true } : next(specifier, context),
});

/** The extension, over the double of the editor. */
export const extension = await import('../../../src/extension.ts');
export const { GatewayHost } = await import('../../../src/vscode/gateway/gateway-host.ts');
export const { GatewayState } = await import('../../../src/vscode/gateway/gateway-state.ts');
export const { journalName } = await import('../../../src/vscode/diagnosis/export-journal.ts');
export const { Outages } = await import('../../../src/vscode/views/outages/outages.ts');
export const { SilencedServers } = await import('../../../src/vscode/views/outages/silenced-servers.ts');
