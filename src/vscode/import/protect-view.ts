import { destinationOf } from '../../config/import/destination.ts';
import type { FoundServer } from '../../config/import/found-server.ts';
import { extractSecrets } from '../../config/import/literal-secrets.ts';
import { english, type Translate } from '../text/translate.ts';
import { maskTokens, plainText } from '../text/untrusted-text.ts';

/** A file in which servers were found, as far as a display knows it. */
export interface FoundFile {
  /** The client whose file it is. */
  readonly title: string;
  /** Its path, as short as it is clear. */
  readonly path: string;
  readonly servers: readonly FoundServer[];
}

/** One line of the pick: a heading, or a server of the file with this index. */
export type ProtectPick =
  | { readonly kind: 'heading'; readonly label: string }
  | {
      readonly kind: 'server';
      readonly label: string;
      readonly description: string;
      readonly detail: string;
      readonly picked: boolean;
      readonly file: number;
      readonly server: FoundServer;
    };

/** @param present the names of the servers of the settings, by where they lead (`destinationOf`). */
export function protectPicks(
  files: readonly FoundFile[],
  present: ReadonlyMap<string, string>,
  t: Translate = english,
): ProtectPick[] {
  const only = files.flatMap(({ servers }) => servers).length === 1;
  return files.flatMap(({ title, path, servers }, file): ProtectPick[] => {
    const lines = servers.map((server): ProtectPick => {
      const already = present.get(destinationOf(server.entry));
      return {
        kind: 'server',
        label: plainText(server.name),
        description: targetLabel(server),
        detail: remarks(server, already, title, t).join(' · '),
        picked: only && already === undefined,
        file,
        server,
      };
    });
    return lines.length > 0 ? [{ kind: 'heading', label: plainText(`${title}: ${path}`) }, ...lines] : [];
  });
}

/** What stands for a secret when its input is called "…". */
const HIDDEN = `\${input:…}`;

/** What the server is reached by, without a secret. */
function targetLabel({ entry }: FoundServer): string {
  const bare = extractSecrets(entry, () => '…').entry;
  const text = bare.type === 'stdio' ? [bare.command, ...(bare.args ?? [])].join(' ') : bare.url;
  return plainText(maskTokens(text.replaceAll(HIDDEN, '…')), 80);
}

function remarks(
  { entry, enabled, leftOut }: FoundServer,
  already: string | undefined,
  title: string,
  t: Translate,
): string[] {
  const secrets = extractSecrets(entry, () => '').secrets.length;
  return [
    ...(already === undefined ? [] : [t('already protected, as {0}', plainText(already))]),
    ...(enabled ? [] : [t('turned off in {0}', title)]),
    ...(secrets === 0 ? [] : [secrets === 1 ? t('moves 1 secret') : t('moves {0} secrets', secrets)]),
    ...(leftOut.length === 0 ? [] : [t('without {0}', plainText(leftOut.join(', ')))]),
  ];
}

/** What was taken over, as far as a display knows it. */
export interface ProtectedServer {
  readonly name: string;
  readonly secrets: number;
}

/** The message after servers were imported. */
export function protectedText(servers: readonly ProtectedServer[], t: Translate = english): string {
  const secrets = servers.reduce((sum, server) => sum + server.secrets, 0);
  const names = plainText(servers.map(({ name }) => name).join(', '));
  const what =
    servers.length === 1
      ? t('MCP: {0} is now protected. The original is still enabled, too.', names)
      : t(
          'MCP: {0} servers are now protected: {1}. The originals are still enabled, too.',
          servers.length,
          names,
        );
  if (secrets === 0) return what;
  const moved =
    secrets === 1
      ? t('Its secret is now in the editor’s secret storage.')
      : t('Their {0} secrets are now in the editor’s secret storage.', secrets);
  return `${what} ${moved}`;
}

/** The message after originals were disabled. */
export function disabledText(
  servers: readonly ProtectedServer[],
  paths: readonly string[],
  t: Translate = english,
): string {
  const places = plainText(paths.join(', '));
  const what =
    servers.length === 1
      ? t('MCP: turned off the original of {0} ({1}).', plainText(servers[0]?.name ?? ''), places)
      : t('MCP: turned off {0} originals ({1}).', servers.length, places);
  const holdsSecrets = servers.some(({ secrets }) => secrets > 0);
  return holdsSecrets ? `${what} ${t('The file still contains the secrets.')}` : what;
}
