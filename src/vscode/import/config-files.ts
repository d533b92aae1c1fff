import { homedir } from 'node:os';
import { FileType, type LogOutputChannel, Uri, workspace } from 'vscode';
import { printableJson } from '../../base/printable.ts';
import type { ConfigFormat } from '../../config/import/config-format.ts';
import { FORMATS } from '../../config/import/formats.ts';
import type { ReadServers } from '../../config/import/found-server.ts';
import { MAX_CONFIG_LENGTH } from '../../config/import/json-text.ts';
import type { Machine } from '../../config/import/machine.ts';
import { readServers } from '../../config/import/read-servers.ts';
import type { Layer } from '../../config/layers.ts';
import { describeError } from '../../protocol/errors.ts';

/** The longest a character of text is in a file, in bytes. */
const MAX_BYTES_PER_CHARACTER = 4;

/** A configuration file of another client, and what it says. */
export interface ConfigFile extends ReadServers {
  readonly uri: Uri;
  readonly format: ConfigFormat;
  /** Whose file it is. */
  readonly layer: Layer;
  /** The workspace folder that it lies in. */
  readonly folder: { readonly name: string; readonly isOnly: boolean } | undefined;
  /** The folder whose servers of the file are meant; undefined: those that are for no single project. */
  readonly project?: string;
}

type Place = Pick<ConfigFile, 'uri' | 'format' | 'layer' | 'folder' | 'project'>;

/**
 * Reads the configuration files of other clients on the machine where the extension runs: those of the workspace, if
 * it is trusted, then those of the person. Files that are not there are no matter; others that can't be read are logged.
 *
 * @param globalStorage the extension's folder in the editor's user data, by which that is found.
 */
export async function readConfigFiles(globalStorage: Uri, log: LogOutputChannel): Promise<ConfigFile[]> {
  const here = await machine(globalStorage);
  const places = [...workspacePlaces(here), ...userPlaces(here), ...openPlaces()];
  // One file may be open under another scheme than that of its path.
  const distinct = new Map(
    places.reverse().map((place) => [JSON.stringify([place.uri.path, place.project]), place]),
  );
  const files = [...distinct.values()].reverse().map(async (place) => {
    const text = await textOf(place.uri, log);
    return text === undefined ? [] : [{ ...place, ...readServers(text, place.format.id, place.project) }];
  });
  const read = (await Promise.all(files)).flat();
  for (const { uri, problems } of read) {
    for (const { server, message } of problems) {
      log.warn(`configurationNotUsable file=${uri.path} server=${printableJson(server ?? '')} ${message}`);
    }
  }
  return read;
}

/** The text of a file as it stands in an editor, or on the disk; undefined if there is none or it can't be read. */
async function textOf(uri: Uri, log: LogOutputChannel): Promise<string | undefined> {
  const open = workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
  if (open) return open.getText();
  try {
    const { size } = await workspace.fs.stat(uri);
    if (size <= MAX_CONFIG_LENGTH * MAX_BYTES_PER_CHARACTER) {
      return new TextDecoder().decode(await workspace.fs.readFile(uri));
    }
    log.warn(`configurationNotRead file=${uri.path} reason="it has ${size} bytes"`);
  } catch (error) {
    if (!isNotFound(error)) log.warn(`configurationNotRead file=${uri.path} reason=${describeError(error)}`);
  }
  return undefined;
}

function workspacePlaces(here: Machine): Place[] {
  if (!workspace.isTrusted) return [];
  const folders = workspace.workspaceFolders ?? [];
  return folders.flatMap(({ uri, name }) => {
    const common = { layer: 'workspace', folder: { name, isOnly: folders.length === 1 } } as const;
    return Object.values(FORMATS).flatMap((format): Place[] => [
      ...(format.workspaceFile
        ? [{ uri: Uri.joinPath(uri, ...format.workspaceFile), format, ...common }]
        : []),
      // What a file of the person holds for this folder.
      ...(format.projectsKey !== undefined && uri.scheme === 'file'
        ? format
            .userFiles(here)
            .map((path) => ({ uri: Uri.file(path), format, ...common, project: uri.fsPath }))
        : []),
    ]);
  });
}

function userPlaces(here: Machine): Place[] {
  return Object.values(FORMATS).flatMap((format) =>
    format.userFiles(here).map(
      (path): Place => ({
        uri: Uri.file(path),
        format,
        layer: 'user',
        folder: undefined,
      }),
    ),
  );
}

/** In a remote window the user's mcp.json is on the other machine: it can be read while it is open. */
function openPlaces(): Place[] {
  return workspace.textDocuments.flatMap(({ uri }): Place[] =>
    uri.scheme === 'vscode-userdata' && uri.path.endsWith('/mcp.json')
      ? [{ uri, format: FORMATS.vscode, layer: 'user', folder: undefined }]
      : [],
  );
}

async function machine(globalStorage: Uri): Promise<Machine> {
  return {
    platform: process.platform,
    home: homedir(),
    env: process.env,
    editorFolders: globalStorage.scheme === 'file' ? await editorFolders(globalStorage) : [],
  };
}

/** `User`, two levels above the folder of an extension, and the profiles in it. */
async function editorFolders(globalStorage: Uri): Promise<string[]> {
  const user = Uri.joinPath(globalStorage, '..', '..');
  const profiles = Uri.joinPath(user, 'profiles');
  const entries = await workspace.fs.readDirectory(profiles).then(
    (found) => found,
    () => [],
  );
  const folders = entries.filter(([, type]) => type === FileType.Directory);
  return [user, ...folders.map(([name]) => Uri.joinPath(profiles, name))].map(({ fsPath }) => fsPath);
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'FileNotFound';
}
