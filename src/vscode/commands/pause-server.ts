import { l10n, ProgressLocation, window } from 'vscode';
import { type Clock, systemClock } from '../../base/environment.ts';
import type { Hub } from '../../hub/hub.ts';
import { type HubSnapshot, type ServerSnapshot, worstConnection } from '../../hub/snapshot.ts';
import type { PausedServers } from '../settings/paused-servers.ts';
import { plainText } from '../text/untrusted-text.ts';
import { chooseServer } from './choose-server.ts';

/** How long the status bar tells of what was done, in ms. */
const SHOWN_MS = 5000;
/** How long a server that is resumed is shown to be on its way, in ms; it goes on afterwards. */
const RESUMING_MS = 30_000;

export interface PauseParts {
  readonly hub: Hub;
  readonly pausedServers: PausedServers;
  /** For tests. Default: the platform's. */
  readonly clock?: Clock;
}

/**
 * "MCP: Pause Server": ends the sessions of a server, and has nothing sent to it until it is resumed, also after the
 * window was reloaded.
 *
 * @param argument a server name or `{ server: name }`; anything else asks if there is a choice
 * @returns the name of the server; undefined when none was paused
 */
export async function pauseServer(
  { hub, pausedServers }: PauseParts,
  argument: unknown,
): Promise<string | undefined> {
  const name = await chooseServer(hub, argument, {
    title: l10n.t('MCP: Pause Server'),
    placeHolder: l10n.t('Select a server to pause'),
    fits: ({ paused }) => !paused,
    unfit: (server) => l10n.t('MCP: {0} is already paused. Run "MCP: Resume Server" to resume it.', server),
    none: l10n.t('MCP: every server is already paused. Run "MCP: Resume Server" to resume one.'),
  });
  if (name === undefined) return undefined;
  hub.pause(name);
  await pausedServers.keep(name, true);
  window.setStatusBarMessage(l10n.t('MCP: {0} is paused', plainText(name)), SHOWN_MS);
  return name;
}

/**
 * "MCP: Resume Server": has a paused server go on, with new sessions for those who had one.
 *
 * @param argument as of {@link pauseServer}
 * @returns the name of the server; undefined when none was resumed
 */
export async function resumeServer(
  { hub, pausedServers, clock = systemClock }: PauseParts,
  argument: unknown,
): Promise<string | undefined> {
  const name = await chooseServer(hub, argument, {
    title: l10n.t('MCP: Resume Server'),
    placeHolder: l10n.t('Select a server to resume'),
    fits: ({ paused }) => paused,
    unfit: (server) => l10n.t('MCP: {0} is not paused.', server),
    none: l10n.t('MCP: no server is paused.'),
  });
  if (name === undefined) return undefined;
  hub.resume(name);
  await pausedServers.keep(name, false);
  const title = l10n.t('MCP: resuming {0}', plainText(name));
  await window.withProgress({ location: ProgressLocation.Window, title }, () => untilMet(hub, name, clock));
  return name;
}

/** Resolves when the server is connected, down, paused or removed, or after `RESUMING_MS`. */
function untilMet(hub: Hub, name: string, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const look = ({ servers }: HubSnapshot) => {
      const server = servers.find((each) => each.name === name);
      if (server && isOnItsWay(server)) return;
      cancel();
      watching.dispose();
      resolve();
    };
    const cancel = clock.after(RESUMING_MS, () => look({ at: 0, servers: [] }), { background: true });
    const watching = hub.onDidChange(look);
    look(hub.snapshot());
  });
}

function isOnItsWay(server: ServerSnapshot): boolean {
  const status = worstConnection(server)?.status;
  return status !== undefined && status !== 'ready' && status !== 'down' && status !== 'paused';
}
