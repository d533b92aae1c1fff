import { commands, l10n, window } from 'vscode';
import { describeError } from '../../protocol/errors.ts';
import { COMMANDS } from '../commands/command-ids.ts';
import { plainText } from '../text/untrusted-text.ts';
import type { GatewayAccess } from './gateway-host.ts';

/**
 * "MCP: Renew Gateway Token": asks first, because every client needs the configuration again.
 *
 * @returns whether it was renewed. The last notification is not awaited.
 */
export async function renewGatewayToken(gateway: GatewayAccess): Promise<boolean> {
  const renew = l10n.t('Renew Token');
  const detail = l10n.t(
    'Clients that use the gateway configuration are refused until they have the new one, and their calls under way fail. Agents of this window are not affected.',
  );
  const choice = await window.showWarningMessage(
    l10n.t('Renew the token of the MCP gateway of this window?'),
    { modal: true, detail },
    renew,
  );
  if (choice !== renew) return false;
  try {
    await gateway.renewToken();
  } catch (error) {
    void window.showErrorMessage(
      l10n.t('MCP: the gateway is not running: {0}', plainText(describeError(error))),
    );
    return false;
  }
  const copy = l10n.t('Copy Gateway Configuration…');
  const renewed = l10n.t('MCP: the gateway has a new token. Give your clients its new configuration.');
  void window
    .showInformationMessage(renewed, copy)
    .then((pressed) => pressed === copy && copyConfiguration());
  return true;
}

/** Another program has the port known to clients. Their token is of no use to it. */
export async function tellMoved(): Promise<void> {
  const copy = l10n.t('Copy Gateway Configuration…');
  const moved = l10n.t(
    'MCP: another program uses the port of this window’s gateway. The gateway now has another port and another token: give your clients its new configuration.',
  );
  if ((await window.showWarningMessage(moved, copy)) === copy) await copyConfiguration();
}

function copyConfiguration(): Thenable<unknown> {
  return commands.executeCommand(COMMANDS.copyGatewayConfiguration);
}
