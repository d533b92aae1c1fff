import {
  Disposable,
  type Disposable as DisposableOf,
  lm,
  type McpServerDefinitionProvider,
  McpStdioServerDefinition,
} from 'vscode';
import { serverLabels } from '../text/server-names.ts';
import type { GatewayHost } from './gateway-host.ts';

/** As in the manifest. */
const PROVIDER = 'resilientMcp.servers';

/**
 * Offers the servers of the gateway to the editor, each as a program: `attach`, which finds the gateway by itself.
 *
 * The editor's default agent takes a definition as it is provided and never resolves it, writes it to a file that others
 * may read, and starts every server of every session anew when one definition differs from the last. So a definition is
 * whole, holds no secret, and is the same for as long as its server is configured. It names no folder to run in: another
 * agent passes over what is not to run in its own.
 */
export function provideDefinitions(
  host: Pick<GatewayHost, 'attached' | 'onDidChange'>,
  program: string,
): DisposableOf {
  // Some editors of this kind have an MCP client of their own, and not this one.
  if (typeof lm?.registerMcpServerDefinitionProvider !== 'function') return new Disposable(() => {});
  const provider: McpServerDefinitionProvider<McpStdioServerDefinition> = {
    onDidChangeMcpServerDefinitions: host.onDidChange,
    async provideMcpServerDefinitions() {
      const servers = await host.attached();
      const labels = serverLabels(servers.map(({ name }) => name));
      return servers.map(({ name, args }) => definitionOf(labels.get(name) ?? name, [program, ...args]));
    },
  };
  return lm.registerMcpServerDefinitionProvider(PROVIDER, provider);
}

/** By the runtime of the editor itself, which on a desktop is only Node.js when it is told to be. */
function definitionOf(label: string, args: string[]): McpStdioServerDefinition {
  return new McpStdioServerDefinition(label, process.execPath, args, { ELECTRON_RUN_AS_NODE: '1' });
}
