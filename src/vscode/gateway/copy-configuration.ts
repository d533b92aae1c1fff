import { commands, env, l10n, window } from 'vscode';
import { describeError } from '../../protocol/errors.ts';
import { COMMANDS } from '../commands/command-ids.ts';
import { plainText } from '../text/untrusted-text.ts';
import { CLIENTS, type ClientId, clientSnippet, type SnippetServer } from './client-snippet.ts';
import { copiedText } from './copy-view.ts';
import type { GatewayAccess } from './gateway-host.ts';

/**
 * "MCP: Copy Gateway Configuration": copies the configuration of gateway servers for another client.
 *
 * @returns whether something was copied. Notifications are not awaited.
 */
export async function copyGatewayConfiguration(gateway: GatewayAccess): Promise<boolean> {
  try {
    const [servers, headers] = [await gateway.servers(), await gateway.headers()];
    if (servers.length === 0) {
      void tellNoneConfigured();
      return false;
    }
    const chosen = await chooseServers(servers);
    const client = chosen && (await chooseClient());
    if (!chosen || !client) return false;
    const snippet = clientSnippet(client, chosen, headers);
    await env.clipboard.writeText(snippet);
    void tell(client, chosen, snippet);
    return true;
  } catch (error) {
    void window.showErrorMessage(
      l10n.t('MCP: the gateway is not running: {0}', plainText(describeError(error))),
    );
    return false;
  }
}

/** All are preselected; a single one needs no picker. */
async function chooseServers(
  servers: readonly SnippetServer[],
): Promise<readonly SnippetServer[] | undefined> {
  if (servers.length === 1) return servers;
  const items = servers.map((server) => ({ label: plainText(server.name), picked: true, server }));
  const picked = await window.showQuickPick(items, {
    title: l10n.t('MCP: Copy Gateway Configuration'),
    placeHolder: l10n.t('Select servers to share'),
    canPickMany: true,
  });
  return picked && picked.length > 0 ? picked.map(({ server }) => server) : undefined;
}

async function chooseClient(): Promise<ClientId | undefined> {
  const ids = Object.keys(CLIENTS) as ClientId[];
  const picked = await window.showQuickPick(
    ids.map((id) => ({ label: CLIENTS[id].title, id })),
    { title: l10n.t('MCP: Copy Gateway Configuration'), placeHolder: l10n.t('Select a client') },
  );
  return picked?.id;
}

async function tell(client: ClientId, servers: readonly SnippetServer[], snippet: string): Promise<void> {
  const names = servers.map(({ name }) => name);
  const { text, isWarning } = copiedText(client, names, env.remoteName !== undefined, l10n.t);
  const [openFile, clear] = [l10n.t('Open User mcp.json'), l10n.t('Clear Clipboard')];
  // VS Code shows a message with buttons in full, and cuts one without to a line.
  const buttons = client === 'vscode' ? [openFile, clear] : [clear];
  const choice = isWarning
    ? await window.showWarningMessage(text, ...buttons)
    : await window.showInformationMessage(text, ...buttons);
  if (choice === openFile) {
    // The command is VS Code's own, not part of its API.
    await commands.executeCommand('workbench.mcp.openUserMcpJson').then(undefined, () => {});
  }
  // A newer clipboard content is not ours to clear.
  if (choice === clear && (await env.clipboard.readText()) === snippet) await env.clipboard.writeText('');
}

async function tellNoneConfigured(): Promise<void> {
  const protect = l10n.t('Protect a Server…');
  const choice = await window.showInformationMessage(l10n.t('MCP: no servers are configured.'), protect);
  if (choice === protect) await commands.executeCommand(COMMANDS.protectServer);
}
