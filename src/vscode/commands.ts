import { commands, Disposable, type LogOutputChannel } from 'vscode';
import type { Fleet } from '../fleet/fleet.ts';
import { resetSession } from './reset-session.ts';
import { COMMANDS, type CommandId } from './view/command-ids.ts';

/** Registers every command of the manifest. They work from the first moment on, whatever state the servers are in. */
export function registerCommands(fleet: Fleet, log: LogOutputChannel): Disposable {
  const handlers: Record<CommandId, (argument?: unknown) => unknown> = {
    [COMMANDS.resetSession]: (argument) => resetSession(fleet, argument),
    [COMMANDS.showLog]: () => log.show(),
  };
  return Disposable.from(
    ...Object.entries(handlers).map(([id, handler]) => commands.registerCommand(id, handler)),
  );
}
