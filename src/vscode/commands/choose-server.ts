import { l10n, window } from 'vscode';
import type { Hub } from '../../hub/hub.ts';
import type { ServerSnapshot } from '../../hub/snapshot.ts';
import { plainText } from '../text/untrusted-text.ts';
import { namedIn, resetPicks } from './reset-target.ts';

/** How a server is asked for. */
export interface ServerQuestion {
  readonly title: string;
  readonly placeHolder: string;
  /** Which servers it can be about. */
  readonly fits: (server: ServerSnapshot) => boolean;
  /** What is said when a named server does not fit; it follows its name. */
  readonly unfit: (name: string) => string;
  /** What is said when there is none that fits. */
  readonly none: string;
}

/**
 * The server that a command is about: the one that it was called with, the only one that fits, or the one that a person
 * chooses. Says why there is none.
 *
 * @param argument a server name or `{ server: name }`; anything else asks
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
