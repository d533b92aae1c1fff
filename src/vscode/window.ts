import { type ExtensionContext, Uri, workspace } from 'vscode';
import { systemClock } from '../base/environment.ts';
import type { ServerConfig } from '../config/server-config.ts';
import { FactHistory } from '../hub/facts.ts';
import { Hub } from '../hub/hub.ts';
import { configuredServer } from '../hub/open/configured-server.ts';
import { transportOpener } from '../hub/open/open-transport.ts';
import { OwnClient } from '../hub/own-client.ts';
import { offerTools } from './agents/agent-tools.ts';
import { createApi, type ResilientMcpApi } from './api.ts';
import { registerCommands } from './commands/index.ts';
import { Reports } from './diagnosis/reports.ts';
import { provideDefinitions } from './gateway/definition-provider.ts';
import { GatewayHost } from './gateway/gateway-host.ts';
import { GatewayState } from './gateway/gateway-state.ts';
import { localProcesses } from './gateway/local-processes.ts';
import { openLog } from './log.ts';
import { PausedServers } from './settings/paused-servers.ts';
import { InputValues } from './settings/secrets.ts';
import { watchServers } from './settings/settings.ts';
import { endpointName } from './text/server-names.ts';
import { contextSetter, keepContexts } from './views/contexts.ts';
import { Outages } from './views/outages/outages.ts';
import { SilencedServers } from './views/outages/silenced-servers.ts';
import { showSessions } from './views/sessions/sessions-view.ts';
import { WaitingServers } from './views/sessions/waiting-servers.ts';
import { showStatusBar } from './views/status-bar/status-bar.ts';
import { Timeline } from './views/timeline/timeline.ts';

/** How long the end of the sessions is waited for when the window closes, in ms. */
const CLOSE_PATIENCE_MS = 2000;

/** The extension at work in one window. */
export interface OpenWindow {
  readonly api: ResilientMcpApi;
  /** Ends the sessions at their servers, within {@link CLOSE_PATIENCE_MS}. */
  close(): Promise<void>;
}

/** Builds the parts and hands them to each other. Connections open afterwards, in the background. */
export function openWindow(context: ExtensionContext): OpenWindow {
  const product = String(context.extension.packageJSON.version);
  const processes = localProcesses(context.extensionUri);
  const pausedServers = new PausedServers(context.workspaceState);
  const clientInfo = { name: 'resilient-mcp', version: product };
  const hub = new Hub({
    paused: pausedServers.names,
    clock: systemClock,
    newOwnClient: (parts) => new OwnClient(clientInfo, parts),
    closePatienceMs: CLOSE_PATIENCE_MS,
  });
  const open = transportOpener({ processes });
  const log = openLog(hub);
  const history = new FactHistory(hub);
  const timeline = new Timeline({ history, extensionUri: context.extensionUri });
  const gateway = new GatewayHost({
    hub,
    keeping: new GatewayState(context),
    log,
    storage: context.globalStorageUri.fsPath,
    workspace: workspace.name ?? '',
    // A separate bundle, seldom needed.
    onMoved: async () => (await import('./chunks/configuration.ts')).tellMoved(),
  });
  const values = new InputValues(context.secrets);
  const reports = new Reports();
  const setContext = contextSetter();
  const silenced = new SilencedServers(context.workspaceState, (some) =>
    setContext('resilientMcp.hasSilenced', some),
  );
  const outages = new Outages({ hub, silenced });
  const waiting = new WaitingServers();
  let servers: readonly ServerConfig[] = [];
  // Commands first: they stay registered even if a later part fails.
  const commands = registerCommands({
    hub,
    gateway,
    log,
    timeline,
    history,
    pausedServers,
    silenced,
    outages,
    reports,
    values,
    processes,
    product,
    globalStorage: context.globalStorageUri,
    configured: () => servers,
  });
  context.subscriptions.push(log, gateway, values, commands, history, timeline, reports, outages);
  context.subscriptions.push(
    showStatusBar(hub, history),
    waiting,
    showSessions(hub, history, waiting),
    keepContexts(hub),
    offerTools(hub, history),
  );
  context.subscriptions.push(
    watchServers(log, values, (configured, forTrust) => {
      servers = configured;
      waiting.set(forTrust);
      hub.apply(servers.map((config) => configuredServer(config, open, endpointName(config.name))));
    }),
  );
  // Last, so that the first request of the editor gets the servers.
  context.subscriptions.push(
    provideDefinitions(gateway, Uri.joinPath(context.extensionUri, 'dist/attach.js').fsPath),
  );
  return {
    api: createApi(hub),
    close: () => gateway.close(),
  };
}
