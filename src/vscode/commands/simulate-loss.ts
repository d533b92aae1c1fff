import { commands, l10n, window } from 'vscode';
import type { FaultKind } from '../../client/fault.ts';
import type { Hub } from '../../hub/hub.ts';
import { describeError, isResilientMcpError } from '../../protocol/errors.ts';
import { plainText } from '../text/untrusted-text.ts';
import { chooseServer } from './choose-server.ts';
import { COMMANDS } from './command-ids.ts';
import { type FaultPick, faultIn, faultPicks } from './fault-pick.ts';

/** How long the status bar tells of what was done, in ms. */
const SHOWN_MS = 5000;

/**
 * "MCP: Simulate a Lost Session…": lets a fault happen to the connections to a server, so that a person can see, and
 * the author of a server can test, what becomes of it.
 *
 * @param argument a server name or `{ server: name, fault: 'lost-404' }`; missing parts are asked for
 * @returns the fault; undefined when none was simulated
 */
export async function simulateLoss(hub: Hub, argument: unknown): Promise<FaultKind | undefined> {
  const name = await chooseServer(hub, argument, {
    title: l10n.t('MCP: Simulate a Lost Session'),
    placeHolder: l10n.t('Select a server to test'),
    fits: ({ name: each }) => hub.faults(each).length > 0,
    unfit: (server) => l10n.t('MCP: {0} has no session to lose. Check that it is connected.', server),
    none: l10n.t('MCP: no server has a session to lose.'),
  });
  if (name === undefined) return undefined;
  const pick = await choose(faultPicks(hub.faults(name), l10n.t), name, faultIn(argument));
  if (!pick) return undefined;
  try {
    hub.simulate(name, pick.fault);
  } catch (error) {
    // It may have been lost for real while the pick was open.
    void tellFailure(error);
    return undefined;
  }
  window.setStatusBarMessage(l10n.t('MCP: simulated on {0}: {1}', plainText(name), pick.label), SHOWN_MS);
  return pick.fault.kind;
}

async function choose(
  picks: readonly FaultPick[],
  server: string,
  wanted: string | undefined,
): Promise<FaultPick | undefined> {
  if (wanted !== undefined) {
    const found = picks.find(({ fault }) => fault.kind === wanted);
    if (found) return found;
  }
  return window.showQuickPick(picks, {
    title: l10n.t('MCP: Simulate a Lost Session'),
    placeHolder: l10n.t('Select a fault to simulate on {0}', plainText(server)),
  });
}

async function tellFailure(error: unknown): Promise<void> {
  const advice = isResilientMcpError(error) && error.advice !== undefined ? ` ${error.advice}` : '';
  const showSessions = l10n.t('Show Sessions');
  const text = l10n.t(
    'MCP: could not simulate the fault: {0}',
    plainText(`${describeError(error)}${advice}`),
  );
  if ((await window.showErrorMessage(text, showSessions)) === showSessions) {
    await commands.executeCommand(COMMANDS.showSessions);
  }
}
