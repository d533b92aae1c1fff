import { english, type Translate } from '../text/translate.ts';
import { plainText } from '../text/untrusted-text.ts';
import { CLIENTS, type ClientId } from './client-snippet.ts';

/** The message after a snippet was copied to the clipboard. */
export interface CopiedText {
  readonly text: string;
  /** Whether the usual file for the snippet is often shared with others. */
  readonly isWarning: boolean;
}

/** @param isRemote whether the gateway listens on another machine than the user's */
export function copiedText(
  client: ClientId,
  names: readonly string[],
  isRemote: boolean,
  t: Translate = english,
): CopiedText {
  const { title } = CLIENTS[client];
  const what =
    names.length === 1
      ? t('MCP: copied {0} for {1}, with the token of this window’s gateway.', plainText(names.join()), title)
      : t('MCP: copied {0} servers for {1}, with the token of this window’s gateway.', names.length, title);
  const { place, isShared } = destination(client, t);
  const machine = isRemote ? [t('The address works on the remote machine only.')] : [];
  return { text: [what, place, ...machine].join(' '), isWarning: isShared };
}

/** Where to paste the snippet, and whether a file often shared with others is an alternative place. */
function destination(client: ClientId, t: Translate): { place: string; isShared: boolean } {
  switch (client) {
    case 'vscode': {
      const place = t(
        'Add it to the mcp.json of your user profile: .vscode/mcp.json is often shared with others.',
      );
      return { place, isShared: true };
    }
    case 'cursor': {
      const place = t(
        'Add it to ~/.cursor/mcp.json: the .cursor/mcp.json of a project is often shared with others.',
      );
      return { place, isShared: true };
    }
    case 'claude-code':
      return {
        place: t(
          'Run it in a terminal, in the project folder. Claude Code stores the entry in ~/.claude.json.',
        ),
        isShared: false,
      };
    case 'codex': {
      const place = t(
        'Add it to ~/.codex/config.toml: the .codex/config.toml of a project is often shared with others.',
      );
      return { place, isShared: true };
    }
    case 'augment':
      return {
        place: t('Import it as JSON in the settings of Augment, under MCP servers.'),
        isShared: false,
      };
    case 'cline':
      return {
        place: t('Add it to the file that Cline opens with "Configure MCP Servers".'),
        isShared: false,
      };
  }
}
