import type { ExtensionContext } from 'vscode';
import { Fleet } from './fleet/fleet.ts';
import { transportOpener } from './fleet/open-transport.ts';
import { systemClock } from './session/environment.ts';
import { createApi, type ResilientMcpApi } from './vscode/api.ts';
import { registerCommands } from './vscode/commands.ts';
import { openLog } from './vscode/log.ts';
import { watchServers } from './vscode/settings.ts';
import { showStatusBar } from './vscode/status-bar.ts';

let running: Fleet | undefined;

/** Builds the parts and hands them to each other. Connections open afterwards, in the background. */
export function activate(context: ExtensionContext): ResilientMcpApi {
  const fleet = new Fleet({
    openTransport: transportOpener({}),
    clock: systemClock,
    clientInfo: { name: 'resilient-mcp', version: String(context.extension.packageJSON.version) },
  });
  running = fleet;
  const log = openLog(fleet);
  // Commands first: what is registered stays, even if a later part fails.
  context.subscriptions.push(log, registerCommands(fleet, log));
  context.subscriptions.push(showStatusBar(fleet));
  context.subscriptions.push(watchServers(log, (servers) => fleet.apply(servers)));
  return createApi(fleet);
}

/** Ends the sessions at their servers, within the fleet's bound. */
export async function deactivate(): Promise<void> {
  await running?.close();
  running = undefined;
}
