import { type ExtensionContext, Uri, workspace } from 'vscode';
import { systemClock } from '../base/environment.ts';
import type { ServerConfig } from '../config/server-config.ts';
import { FactHistory } from '../hub/fact-history.ts';
import { Fleet } from '../hub/fleet.ts';
import { transportOpener } from '../hub/open/open-transport.ts';
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
import { contextSetter, keepContexts } from './views/contexts.ts';
import { Outages } from './views/outages/outages.ts';
import { SilencedServers } from './views/outages/silenced-servers.ts';
import { showSessions } from './views/sessions/sessions-view.ts';
import { WaitingServers } from './views/sessions/waiting-servers.ts';
import { showStatusBar } from './views/status-bar/status-bar.ts';
import { Timeline } from './views/timeline/timeline.ts';

/** The extension at work in one window. */
export interface OpenWindow {
  readonly api: ResilientMcpApi;
  /** Ends the sessions at their servers, within the fleet's bound. */
  close(): Promise<void>;
}

/** Builds the parts and hands them to each other. Connections open afterwards, in the background. */
export function openWindow(context: ExtensionContext): OpenWindow {
  const product = String(context.extension.packageJSON.version);
  const processes = localProcesses(context.extensionUri);
  const pausedServers = new PausedServers(context.workspaceState);
  const fleet = new Fleet({
    paused: pausedServers.names,
    openTransport: transportOpener({ processes }),
    clock: systemClock,
    clientInfo: { name: 'resilient-mcp', version: product },
  });
  const log = openLog(fleet);
  const history = new FactHistory(fleet);
  const timeline = new Timeline({ history, extensionUri: context.extensionUri });
  const gateway = new GatewayHost({
    fleet,
    keeping: new GatewayState(context),
    log,
    storage: context.globalStorageUri.fsPath,
    workspace: workspace.name ?? '',
    onRefused: (name, refused) => fleet.noteRefused(name, refused),
    // A file of its own in the package, and seldom needed.
    onMoved: async () => (await import('./chunks/configuration.ts')).tellMoved(),
  });
  const values = new InputValues(context.secrets);
  const reports = new Reports();
  const setContext = contextSetter();
  const silenced = new SilencedServers(context.workspaceState, (some) =>
    setContext('resilientMcp.hasSilenced', some),
  );
  const outages = new Outages({ fleet, silenced });
  const waiting = new WaitingServers();
  let servers: readonly ServerConfig[] = [];
  // Commands first: what is registered stays, even if a later part fails.
  const commands = registerCommands({
    fleet,
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
    showStatusBar(fleet, history),
    waiting,
    showSessions(fleet, history, waiting),
    keepContexts(fleet),
    offerTools(fleet, history),
  );
  context.subscriptions.push(
    watchServers(log, values, (configured, forTrust) => {
      servers = configured;
      waiting.set(forTrust);
      // In this order: the gateway's connections are the fleet's.
      fleet.apply(servers);
      gateway.apply(servers);
    }),
  );
  // Last, so that the editor is told of the servers at its first question.
  context.subscriptions.push(
    provideDefinitions(gateway, Uri.joinPath(context.extensionUri, 'dist/attach.js').fsPath),
  );
  return {
    api: createApi(fleet),
    async close() {
      await gateway.close();
      await fleet.close();
    },
  };
}
