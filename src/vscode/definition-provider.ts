import { Disposable, l10n, lm, McpHttpServerDefinition, type McpServerDefinitionProvider, Uri } from 'vscode';
import type { GatewayHost, OfferedServer } from './gateway-host.ts';
import { serverLabels } from './view/server-names.ts';

/** As in the manifest. */
const PROVIDER = 'resilientMcp.servers';

/**
 * Offers the servers of the gateway to the editor's own MCP client.
 *
 * The editor keeps definitions in the clear, starts a server without a question to anyone, and stops a running one when
 * its definition differs from the last. So a definition is the same for as long as its server is configured, and the
 * token is only in the one that is made for a start.
 */
export function provideDefinitions(host: GatewayHost): Disposable {
  // Some editors of this kind have an MCP client of their own, and not this one.
  if (typeof lm?.registerMcpServerDefinitionProvider !== 'function') return new Disposable(() => {});
  const definitions = async (): Promise<McpHttpServerDefinition[]> => {
    const servers = await host.servers();
    const labels = serverLabels(servers.map(({ name }) => name));
    return servers.map((server) => definitionOf(server, labels));
  };
  const provider: McpServerDefinitionProvider<McpHttpServerDefinition> = {
    onDidChangeMcpServerDefinitions: host.onDidChange,
    // Why it does not listen is in the log; the editor would only wait for the others.
    provideMcpServerDefinitions: () => definitions().catch(() => []),
    resolveMcpServerDefinition: async ({ label }) => {
      const known = (await definitions()).find((each) => each.label === label);
      if (!known) throw new Error(l10n.t('"{0}" is not configured any more.', label));
      return new McpHttpServerDefinition(known.label, known.uri, host.passingHeaders());
    },
  };
  return lm.registerMcpServerDefinitionProvider(PROVIDER, provider);
}

function definitionOf(
  { name, url }: OfferedServer,
  labels: ReadonlyMap<string, string>,
): McpHttpServerDefinition {
  return new McpHttpServerDefinition(labels.get(name) ?? name, Uri.parse(url));
}
