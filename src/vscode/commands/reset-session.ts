import { commands, l10n, ProgressLocation, window } from 'vscode';
import type { Hub, ResetOutcome } from '../../hub/hub.ts';
import { openServersSetting } from '../settings/settings.ts';
import { plainText } from '../text/untrusted-text.ts';
import { COMMANDS } from './command-ids.ts';
import { type ResetTarget, resetPicks, resetTarget } from './reset-target.ts';
import { renderReset } from './reset-view.ts';

/** How long the status bar tells of a reset that went well, in ms. */
const SUCCESS_SHOWN_MS = 5000;

/**
 * "MCP: Reset Session": gives one server or all a new session and tells how that went.
 *
 * @param argument see {@link resetTarget}.
 * @param onFailed called with the names of the servers in the failure message
 * @returns the outcome of each server; undefined when none was reset. Notifications are not waited for.
 */
export async function resetSession(
  hub: Hub,
  argument: unknown,
  onFailed: (names: readonly string[]) => void = () => {},
): Promise<readonly ResetOutcome[] | undefined> {
  const { servers } = hub.snapshot();
  const names = servers.map((server) => server.name);
  const wanted = resetTarget(argument, names);
  const target = wanted.kind === 'ask' ? await ask(hub) : wanted;
  switch (target?.kind) {
    case 'none configured':
      void tellNoneConfigured();
      return undefined;
    case 'unknown':
      void tellUnknown(target.name, names);
      return undefined;
    case 'one':
      if (servers.some(({ name, paused }) => paused && name === target.name)) {
        void tellPaused(target.name);
        return undefined;
      }
      return reset(hub, [target.name], onFailed);
    case 'all':
      return reset(
        hub,
        servers.filter(({ paused }) => !paused).map(({ name }) => name),
        onFailed,
      );
    default:
      return undefined;
  }
}

async function ask(hub: Hub): Promise<ResetTarget | undefined> {
  const picked = await window.showQuickPick(resetPicks(hub.snapshot().servers, l10n.t), {
    title: l10n.t('MCP: Reset Session'),
    placeHolder: l10n.t('Select a session to reset'),
    matchOnDescription: true,
  });
  return picked?.target;
}

async function reset(
  hub: Hub,
  names: readonly string[],
  onFailed: (names: readonly string[]) => void,
): Promise<readonly ResetOutcome[]> {
  const title =
    names.length === 1
      ? l10n.t('MCP: resetting the session of {0}', plainText(names.join()))
      : l10n.t('MCP: resetting {0} sessions', names.length);
  const outcomes = await window.withProgress({ location: ProgressLocation.Window, title }, () =>
    Promise.all(names.map((name) => hub.reset(name))),
  );
  tell(hub, outcomes.flat(), onFailed);
  return outcomes.flat();
}

function tell(
  hub: Hub,
  outcomes: readonly ResetOutcome[],
  onFailed: (names: readonly string[]) => void,
): void {
  const { success, failure, failed } = renderReset(outcomes, l10n.t);
  if (success) window.setStatusBarMessage(success, SUCCESS_SHOWN_MS);
  onFailed(failed);
  if (failure) void offerRetry(hub, failure, failed, onFailed);
}

async function offerRetry(
  hub: Hub,
  failure: string,
  failed: readonly string[],
  onFailed: (names: readonly string[]) => void,
): Promise<void> {
  const showLog = l10n.t('Show Log');
  const retry = l10n.t('Retry');
  const choice = await window.showErrorMessage(failure, retry, showLog);
  if (choice === showLog) await commands.executeCommand(COMMANDS.showLog);
  if (choice === retry) await reset(hub, stillKnown(hub, failed), onFailed);
}

/** The notification may have stood there while the configuration changed. */
function stillKnown(hub: Hub, names: readonly string[]): string[] {
  const known = hub.snapshot().servers.map((server) => server.name);
  return names.filter((name) => known.includes(name));
}

async function tellNoneConfigured(): Promise<void> {
  const openSettings = l10n.t('Open Settings');
  const choice = await window.showInformationMessage(l10n.t('MCP: no servers are configured.'), openSettings);
  if (choice === openSettings) await openServersSetting();
}

async function tellPaused(name: string): Promise<void> {
  const resume = l10n.t('Resume Server');
  const text = l10n.t('MCP: {0} is paused. Resume it to get a new session.', plainText(name));
  if ((await window.showInformationMessage(text, resume)) === resume) {
    await commands.executeCommand(COMMANDS.resumeServer, { server: name });
  }
}

async function tellUnknown(name: string, known: readonly string[]): Promise<void> {
  const openSettings = l10n.t('Open Settings');
  const choice = await window.showErrorMessage(
    l10n.t(
      'MCP: there is no server "{0}". Configured servers: {1}.',
      plainText(name),
      plainText(known.join(', ')),
    ),
    openSettings,
  );
  if (choice === openSettings) await openServersSetting();
}
