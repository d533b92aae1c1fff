import { commands, Disposable, type LogOutputChannel, l10n, window, workspace } from 'vscode';
import { type ConfigProblem, parseServers, SERVERS_KEY, type ServerConfig } from '../fleet/server-config.ts';
import { COMMANDS } from './view/command-ids.ts';
import { problemLines, problemWarning } from './view/problem-view.ts';

/** Reads the setting, now and whenever it changes, and hands the usable servers on. Problems are told once. */
export function watchServers(
  log: LogOutputChannel,
  onServers: (servers: readonly ServerConfig[]) => void,
): Disposable {
  let told = '';
  const read = () => {
    const { servers, problems } = readServers();
    const lines = problemLines(problems);
    if (lines.join('\n') !== told) {
      for (const line of lines) log.warn(line);
      if (problems.length > 0) void warn(problems);
    }
    told = lines.join('\n');
    onServers(servers);
  };
  read();
  return Disposable.from(
    workspace.onDidChangeConfiguration((change) => change.affectsConfiguration(SERVERS_KEY) && read()),
    workspace.onDidGrantWorkspaceTrust(read),
  );
}

/** Shows the setting in the settings editor. */
export async function openServersSetting(): Promise<void> {
  await commands.executeCommand('workbench.action.openSettings', `@id:${SERVERS_KEY}`);
}

function readServers() {
  // Not get(): it merges the scopes key by key, and the user's headers would go to a URL of the workspace.
  const scopes = workspace.getConfiguration().inspect<unknown>(SERVERS_KEY);
  // The editor hides the values of an untrusted workspace (restrictedConfigurations); this does not rely on it.
  return parseServers(scopes?.globalValue, workspace.isTrusted ? scopes?.workspaceValue : undefined);
}

async function warn(problems: readonly ConfigProblem[]): Promise<void> {
  const openSettings = l10n.t('Open Settings');
  const showLog = l10n.t('Show Log');
  const choice = await window.showWarningMessage(problemWarning(problems, l10n.t), openSettings, showLog);
  if (choice === openSettings) await openServersSetting();
  if (choice === showLog) await commands.executeCommand(COMMANDS.showLog);
}
