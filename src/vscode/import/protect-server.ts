import {
  env,
  type LogOutputChannel,
  l10n,
  type QuickPickItem,
  QuickPickItemKind,
  type Uri,
  window,
  workspace,
} from 'vscode';
import { printableJson } from '../../base/printable.ts';
import { destinationOf } from '../../config/import/destination.ts';
import type { ImportedEntry } from '../../config/import/found-server.ts';
import { isOwnEntry } from '../../config/import/own-entry.ts';
import { unusable } from '../../config/import/take-over.ts';
import { isRecord } from '../../config/layers.ts';
import { describeError } from '../../protocol/errors.ts';
import type { GatewayAccess } from '../gateway/gateway-host.ts';
import type { InputValues } from '../settings/secrets.ts';
import { layerSettings } from '../settings/servers-setting.ts';
import { plainText } from '../text/untrusted-text.ts';
import { type ConfigFile, readConfigFiles } from './config-files.ts';
import { type Choice, prepare, type Taken, unwrite, write } from './import-server.ts';
import { disabledText, type ProtectPick, protectedText, protectPicks } from './protect-view.ts';
import { disableOriginals, restoreOriginals } from './source-config.ts';

/** What the command works with. */
export interface ProtectParts {
  readonly gateway: GatewayAccess;
  readonly values: InputValues;
  readonly log: LogOutputChannel;
  /** The extension's folder in the editor's user data. */
  readonly globalStorage: Uri;
}

/**
 * "MCP: Protect a Server…": takes servers of other configuration files over into `resilientMcp.servers`, and offers to
 * switch their originals off.
 *
 * @returns the names of the new servers; undefined when none was chosen. Notifications are not waited for.
 */
export async function protectServer(parts: ProtectParts): Promise<readonly string[] | undefined> {
  const files = await usableFiles(parts);
  const choices = await choose(files);
  if (!choices) return undefined;
  const taken = prepare(choices, ({ file }) => layerFor(file));
  try {
    await write(taken, parts.values);
  } catch (error) {
    await unwrite(taken, parts.values).catch(() => {});
    void window.showErrorMessage(
      l10n.t('MCP: the servers could not be written to the settings: {0}', plainText(describeError(error))),
    );
    return undefined;
  }
  void offerToDisable(taken, parts);
  return taken.map(({ name }) => name);
}

/** The files with those servers that can be taken over. */
async function usableFiles({ gateway, globalStorage, log }: ProtectParts): Promise<ConfigFile[]> {
  const files = await readConfigFiles(globalStorage, log);
  const [offered] = await gateway.servers().catch(() => []);
  const origin = offered && new URL(offered.url).origin;
  return files.map((file) => ({
    ...file,
    servers: file.servers.filter((server) => {
      const fault = unusable(server);
      if (fault)
        log.warn(`serverNotUsable file=${file.uri.path} server=${printableJson(server.name)} ${fault}`);
      return !fault && !isOwnEntry(server.entry, origin);
    }),
  }));
}

/**
 * In a remote window the user's settings are those of another machine, on which a server of this one is not to be
 * had.
 */
function layerFor({ layer }: ConfigFile): 'user' | 'workspace' {
  const isElsewhere = env.remoteName !== undefined && (workspace.workspaceFolders?.length ?? 0) > 0;
  return isElsewhere ? 'workspace' : layer;
}

async function choose(files: readonly ConfigFile[]): Promise<Choice[] | undefined> {
  const found = files.map(({ format, uri, servers }) => ({
    title: format.title,
    path: shortPath(uri),
    servers,
  }));
  const picks = protectPicks(found, presentDestinations(), l10n.t);
  if (picks.length === 0) {
    void window.showInformationMessage(noneFound());
    return undefined;
  }
  const picked = await window.showQuickPick(picks.map(itemOf), {
    title: l10n.t('MCP: Protect a Server'),
    placeHolder: l10n.t('Select servers to protect'),
    canPickMany: true,
    matchOnDescription: true,
    matchOnDetail: true,
  });
  const choices = picked?.flatMap(({ pick }): Choice[] => {
    const file = pick.kind === 'server' ? files[pick.file] : undefined;
    return pick.kind === 'server' && file ? [{ file, server: pick.server }] : [];
  });
  return choices && choices.length > 0 ? choices : undefined;
}

function itemOf(pick: ProtectPick): QuickPickItem & { readonly pick: ProtectPick } {
  if (pick.kind === 'heading') return { label: pick.label, kind: QuickPickItemKind.Separator, pick };
  const { label, description, detail, picked } = pick;
  return { label, description, picked, pick, ...(detail !== '' && { detail }) };
}

/** Where the servers of the settings lead, and their names. */
function presentDestinations(): Map<string, string> {
  const servers = (['user', 'workspace'] as const).map((layer) => layerSettings(layer).servers);
  const entries = servers.flatMap((all) => (isRecord(all) ? Object.entries(all) : []));
  const known = entries.map(([name, entry]) => [entryIn(entry), name] as const);
  return new Map(known.flatMap(([entry, name]) => (entry ? [[destinationOf(entry), name]] : [])));
}

/** The destination of an entry of the settings; undefined if it has none. */
function entryIn(value: unknown): ImportedEntry | undefined {
  if (!isRecord(value)) return undefined;
  const { url, command, args } = value;
  if (typeof url === 'string') return { type: 'http', url };
  if (typeof command !== 'string') return undefined;
  return { type: 'stdio', command, args: Array.isArray(args) ? args.map(String) : [] };
}

function noneFound(): string {
  return workspace.isTrusted
    ? l10n.t('MCP: no servers found in the configuration of VS Code, Claude, Cursor, Windsurf or Cline.')
    : l10n.t('MCP: no servers found. Trust this workspace to include its servers.');
}

async function offerToDisable(taken: readonly Taken[], parts: ProtectParts): Promise<void> {
  const disable = taken.length === 1 ? l10n.t('Disable Original') : l10n.t('Disable Originals');
  const undo = l10n.t('Undo');
  const choice = await window.showInformationMessage(protectedText(taken.map(shown), l10n.t), disable, undo);
  try {
    if (choice === undo) await unwrite(taken, parts.values);
    if (choice === disable) await disableAndTell(taken);
  } catch (error) {
    void window.showErrorMessage(l10n.t('MCP: {0}', plainText(describeError(error))));
  }
}

async function disableAndTell(taken: readonly Taken[]): Promise<void> {
  const note = (one: Taken) =>
    l10n.t('Connected by Resilient MCP, as "{0}" in the setting resilientMcp.servers.', plainText(one.name));
  const { changed, disabled, faults } = await disableOriginals(taken, note);
  for (const { uri, message } of faults) {
    void window.showWarningMessage(
      l10n.t('MCP: an original is still enabled. {0} {1}', plainText(shortPath(uri)), message),
    );
  }
  if (disabled.length === 0) return;
  const undo = l10n.t('Undo');
  const paths = changed.map(({ uri }) => shortPath(uri));
  const choice = await window.showInformationMessage(disabledText(disabled.map(shown), paths, l10n.t), undo);
  if (choice !== undo) return;
  for (const uri of await restoreOriginals(changed)) {
    void window.showWarningMessage(
      l10n.t('MCP: {0} has changed since. Turn the server on there by hand.', plainText(shortPath(uri))),
    );
  }
}

function shown({ name, secrets }: Taken): { name: string; secrets: number } {
  return { name, secrets: secrets.length };
}

/** The path below the workspace folder where there is one. */
function shortPath(uri: Uri): string {
  return workspace.asRelativePath(uri);
}
