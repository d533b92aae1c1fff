import { l10n, window } from 'vscode';
import type { Hub } from '../../hub/hub.ts';
import type { ServerSnapshot } from '../../hub/snapshot.ts';
import { plainText } from '../text/untrusted-text.ts';
import { namedIn, resetPicks } from './reset-target.ts';

/** How to ask for a server. */
export interface ServerQuestion {
  readonly title: string;
  readonly placeHolder: string;
  /** The servers to choose from. */
  readonly fits: (server: ServerSnapshot) => boolean;
  /** The message for a named server that does not qualify; follows its name. */
  readonly unfit: (name: string) => string;
  /** The message if no server qualifies. */
  readonly none: string;
}

/**
 * The server of a command: the argument, the only one that qualifies, or the user's choice. Shows a message if there is
 * none.
 *
 * @param argument a server name or `{ server: name }`; otherwise the user is asked
 */
export async function chooseServer(
  hub: Hub,
  argument: unknown,
  { title, placeHolder, fits, unfit, none }: ServerQuestion,
): Promise<string | undefined> {
  const { servers } = hub.snapshot();
  const wanted = namedIn(argument);
  const named = servers.find(({ name }) => name === wanted);
  if (wanted !== undefined && !named) {
    const known = plainText(servers.map(({ name }) => name).join(', '));
    tell(l10n.t('MCP: there is no server "{0}". Configured servers: {1}.', plainText(wanted), known));
    return undefined;
  }
  if (named && !fits(named)) tell(unfit(plainText(named.name)));
  if (named) return fits(named) ? named.name : undefined;
  const fitting = servers.filter(fits);
  const [only, ...others] = fitting;
  if (!only) {
    tell(servers.length === 0 ? l10n.t('MCP: no servers are configured.') : none);
    return undefined;
  }
  if (others.length === 0) return only.name;
  const picks = resetPicks(fitting, l10n.t).filter((pick) => pick.target.kind === 'one');
  const picked = await window.showQuickPick(picks, { title, placeHolder, matchOnDescription: true });
  return picked?.target.kind === 'one' ? picked.target.name : undefined;
}

/** It is not waited for. */
function tell(text: string): void {
  void window.showInformationMessage(text);
}
