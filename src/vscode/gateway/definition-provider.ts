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
 * Provides the servers of the gateway to the editor, each as the program `attach`, which locates the gateway itself.
 *
 * The editor's default agent takes a definition as it is provided and never resolves it, writes it to a file that
 * others may read, and restarts all servers of all sessions when one definition changes. So a definition is
 * complete, holds no secret, and stays the same while its server is configured. It has no `cwd`: another agent skips
 * definitions with a folder other than its own.
 */
export function provideDefinitions(
  host: Pick<GatewayHost, 'attached' | 'onDidChange'>,
  program: string,
): DisposableOf {
  // Some VS Code forks have a different MCP client.
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

/** Runs on VS Code's own executable. On a desktop it acts as Node.js only with this variable. */
function definitionOf(label: string, args: string[]): McpStdioServerDefinition {
  return new McpStdioServerDefinition(label, process.execPath, args, { ELECTRON_RUN_AS_NODE: '1' });
}
