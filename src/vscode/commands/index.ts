import { commands, Disposable, l10n, window } from 'vscode';
import type { FactHistory } from '../../hub/facts.ts';
import type { DiagnoseParts } from '../diagnosis/diagnose-server.ts';
import type { ExportParts } from '../diagnosis/export-journal.ts';
import type { ProtectParts } from '../import/protect-server.ts';
import { openServersSetting } from '../settings/settings.ts';
import type { Outages } from '../views/outages/outages.ts';
import type { SilencedServers } from '../views/outages/silenced-servers.ts';
import type { Timeline } from '../views/timeline/timeline.ts';
import { COMMANDS, type CommandId } from './command-ids.ts';
import type { PauseParts } from './pause-server.ts';
import { resetSession } from './reset-session.ts';
import { namedIn } from './reset-target.ts';

/** What the commands work with. */
export interface CommandParts
  extends ProtectParts,
    Omit<DiagnoseParts, 'openSettings' | 'hub'>,
    Omit<ExportParts, 'hub' | 'history'>,
    PauseParts {
  readonly history: FactHistory;
  readonly timeline: Timeline;
  readonly silenced: SilencedServers;
  readonly outages: Outages;
}

/** Separate bundles (esbuild.mjs), loaded on first use. */
const acting = () => import('../chunks/session-actions.ts');
const configuring = () => import('../chunks/configuration.ts');
const diagnosing = () => import('../chunks/diagnosis.ts');

/** Registers every command of the manifest. They work from the first moment on, whatever state the servers are in. */
export function registerCommands(parts: CommandParts): Disposable {
  const { hub, gateway, log, outages, silenced, timeline, values } = parts;
  const isSilenced = (server: string) => silenced.has(server);
  const handlers: Record<CommandId, (argument?: unknown) => unknown> = {
    [COMMANDS.resetSession]: (argument) => resetSession(hub, argument, (names) => outages.note(names)),
    [COMMANDS.showSessions]: async () => (await acting()).showSessionsPick({ ...parts, isSilenced }),
    [COMMANDS.pauseServer]: async (argument) => (await acting()).pauseServer(parts, argument),
    [COMMANDS.resumeServer]: async (argument) => (await acting()).resumeServer(parts, argument),
    [COMMANDS.simulateLoss]: async (argument) => (await acting()).simulateLoss(hub, argument),
    [COMMANDS.notifyAgain]: (argument) => notifyAgain(silenced, argument),
    [COMMANDS.showTimeline]: (argument) => timeline.show(argument),
    [COMMANDS.diagnoseServer]: async (argument) =>
      (await diagnosing()).diagnoseServer({ ...parts, openSettings: openServersSetting }, argument),
    [COMMANDS.exportJournal]: async () => (await diagnosing()).exportJournal(parts),
    [COMMANDS.protectServer]: async () => (await configuring()).protectServer(parts),
    [COMMANDS.copyGatewayConfiguration]: async () => (await configuring()).copyGatewayConfiguration(gateway),
    [COMMANDS.renewGatewayToken]: async () => (await configuring()).renewGatewayToken(gateway),
    [COMMANDS.enterInput]: async () => (await configuring()).enterInput(values),
    [COMMANDS.showLog]: () => log.show(),
  };
  return Disposable.from(
    ...Object.entries(handlers).map(([id, handler]) => commands.registerCommand(id, handler)),
  );
}

/** How long the status bar tells of what was done, in ms. */
const SHOWN_MS = 5000;

/** "MCP: Show Notifications Again": of the server that it was called with, else of all that were silenced. */
async function notifyAgain(silenced: SilencedServers, argument: unknown): Promise<void> {
  const name = namedIn(argument);
  await silenced.delete(name === undefined ? silenced.names : [name]);
  window.setStatusBarMessage(l10n.t('MCP: outage notifications are on again'), SHOWN_MS);
}
