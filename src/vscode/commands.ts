import { commands, Disposable } from 'vscode';
import type { Fleet } from '../fleet/fleet.ts';
import type { DiagnoseParts } from './diagnose-server.ts';
import type { ExportParts } from './export-journal.ts';
import type { ProtectParts } from './protect-server.ts';
import { resetSession } from './reset-session.ts';
import { openServersSetting } from './settings.ts';
import type { Timeline } from './timeline.ts';
import { COMMANDS, type CommandId } from './view/command-ids.ts';

/** What the commands work with. */
export interface CommandParts extends ProtectParts, Omit<DiagnoseParts, 'openSettings'>, ExportParts {
  readonly fleet: Fleet;
  readonly timeline: Timeline;
}

/** Files of their own in the package (esbuild.mjs): most days nobody asks for it. */
const configuring = () => import('./configuring.ts');
const diagnosing = () => import('./diagnosing.ts');

/** Registers every command of the manifest. They work from the first moment on, whatever state the servers are in. */
export function registerCommands(parts: CommandParts): Disposable {
  const { fleet, gateway, log, timeline, values } = parts;
  const handlers: Record<CommandId, (argument?: unknown) => unknown> = {
    [COMMANDS.resetSession]: (argument) => resetSession(fleet, argument),
    [COMMANDS.showTimeline]: (argument) => timeline.show(argument),
    [COMMANDS.diagnoseServer]: async (argument) =>
      (await diagnosing()).diagnoseServer({ ...parts, openSettings: openServersSetting }, argument),
    [COMMANDS.exportJournal]: async () => (await diagnosing()).exportJournal(parts),
    [COMMANDS.protectServer]: async () => (await configuring()).protectServer(parts),
    [COMMANDS.copyGatewayConfiguration]: async () => (await configuring()).copyGatewayConfiguration(gateway),
    [COMMANDS.enterInput]: async () => (await configuring()).enterInput(values),
    [COMMANDS.showLog]: () => log.show(),
  };
  return Disposable.from(
    ...Object.entries(handlers).map(([id, handler]) => commands.registerCommand(id, handler)),
  );
}
