import { commands, l10n, ProgressLocation, window } from 'vscode';
import type { Fleet, ResetOutcome } from '../fleet/fleet.ts';
import { openServersSetting } from './settings.ts';
import { COMMANDS } from './view/command-ids.ts';
import { plainText } from './view/foreign-text.ts';
import { type ResetTarget, resetPicks, resetTarget } from './view/reset-target.ts';
import { renderReset } from './view/reset-view.ts';

/** How long the status bar tells of a reset that went well, in ms. */
const SUCCESS_SHOWN_MS = 5000;

/**
 * "MCP: Reset Session": gives one server or all a new session and tells how that went.
 *
 * @param argument see {@link resetTarget}.
 * @returns the outcome of each server; undefined when none was reset. Notifications are not waited for.
 */
export async function resetSession(
  fleet: Fleet,
  argument: unknown,
): Promise<readonly ResetOutcome[] | undefined> {
  const names = fleet.snapshot().servers.map((server) => server.name);
  const wanted = resetTarget(argument, names);
  const target = wanted.kind === 'ask' ? await ask(fleet) : wanted;
  switch (target?.kind) {
    case 'none configured':
      void tellNoneConfigured();
      return undefined;
    case 'unknown':
      void tellUnknown(target.name, names);
      return undefined;
    case 'one':
      return reset(fleet, [target.name]);
    case 'all':
      return reset(fleet, names);
    default:
      return undefined;
  }
}

async function ask(fleet: Fleet): Promise<ResetTarget | undefined> {
  const picked = await window.showQuickPick(resetPicks(fleet.snapshot().servers, l10n.t), {
    title: l10n.t('MCP: Reset Session'),
    placeHolder: l10n.t('Which session is to be ended and opened anew?'),
    matchOnDescription: true,
  });
  return picked?.target;
}

async function reset(fleet: Fleet, names: readonly string[]): Promise<readonly ResetOutcome[]> {
  const title =
    names.length === 1
      ? l10n.t('MCP: resetting the session of {0}', plainText(names.join()))
      : l10n.t('MCP: resetting {0} sessions', names.length);
  const outcomes = await window.withProgress({ location: ProgressLocation.Window, title }, () =>
    Promise.all(names.map((name) => fleet.reset(name))),
  );
  tell(fleet, outcomes.flat());
  return outcomes.flat();
}

function tell(fleet: Fleet, outcomes: readonly ResetOutcome[]): void {
  const { success, failure, failed } = renderReset(outcomes, l10n.t);
  if (success) window.setStatusBarMessage(success, SUCCESS_SHOWN_MS);
  if (failure) void offerRetry(fleet, failure, failed);
}

async function offerRetry(fleet: Fleet, failure: string, failed: readonly string[]): Promise<void> {
  const showLog = l10n.t('Show Log');
  const retry = l10n.t('Retry');
  const choice = await window.showErrorMessage(failure, retry, showLog);
  if (choice === showLog) await commands.executeCommand(COMMANDS.showLog);
  if (choice === retry) await reset(fleet, stillKnown(fleet, failed));
}

/** The notification may have stood there while the configuration changed. */
function stillKnown(fleet: Fleet, names: readonly string[]): string[] {
  const known = fleet.snapshot().servers.map((server) => server.name);
  return names.filter((name) => known.includes(name));
}

async function tellNoneConfigured(): Promise<void> {
  const openSettings = l10n.t('Open Settings');
  const choice = await window.showInformationMessage(l10n.t('MCP: no servers are configured.'), openSettings);
  if (choice === openSettings) await openServersSetting();
}

async function tellUnknown(name: string, known: readonly string[]): Promise<void> {
  const openSettings = l10n.t('Open Settings');
  const choice = await window.showErrorMessage(
    l10n.t('MCP: there is no server "{0}". Known are: {1}.', plainText(name), plainText(known.join(', '))),
    openSettings,
  );
  if (choice === openSettings) await openServersSetting();
}
