/** The configuration files of MCP clients on this machine, as the command line finds them. */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { type ConfigFormat, pathOfServers } from '../../config/import/config-format.ts';
import { FORMATS } from '../../config/import/formats.ts';
import type { FoundServer } from '../../config/import/found-server.ts';
import { MAX_CONFIG_LENGTH } from '../../config/import/json-text.ts';
import { type Machine, settingsFolder } from '../../config/import/machine.ts';
import { projectsIn, readServers } from '../../config/import/read-servers.ts';
import type { EntryPath } from '../../config/import/wrap/place.ts';
import { behindAttach } from '../../config/import/wrap/words.ts';
import { describeError } from '../../protocol/errors.ts';
import { Failed } from '../command.ts';

/** The longest a character of text is in a file, in bytes. */
const MAX_BYTES_PER_CHARACTER = 4;
/** Editors that keep an `mcp.json` as VS Code does, by the names of their folders. */
const EDITORS = ['Code', 'Code - Insiders', 'VSCodium'];

export interface ClientFile {
  /** Absolute, links resolved. */
  readonly path: string;
  readonly format: ConfigFormat;
  readonly text: string;
  /** Whether it may be written without being named: VS Code's own, and not shared by git. */
  readonly isOwn: boolean;
  readonly isInGit: boolean;
}

/** One server in a file. */
export interface ClientEntry {
  readonly file: ClientFile;
  readonly name: string;
  readonly path: EntryPath;
  /** The folder that it is for, in a file that has servers for single projects. */
  readonly project: string | undefined;
  readonly isProtected: boolean;
  /** Undefined for one that can't be read; `fault` says why. */
  readonly server: FoundServer | undefined;
  readonly fault: string | undefined;
}

/**
 * The files that are named, or else those that are known and there. @throws Failed for a named one that cannot be read
 * @param further known besides: files that were written before
 */
export function clientFiles(named: readonly string[], further: readonly string[] = []): ClientFile[] {
  const known = knownPlaces();
  if (named.length > 0) return named.map((path) => namedFile(path, known));
  const found = known.filter(({ path }) => existsSync(path)).flatMap((place) => opened(place) ?? []);
  const others = new Set(
    further.filter((path) => existsSync(path) && !found.some((file) => file.path === path)),
  );
  return [...found, ...[...others].map((path) => namedFile(path, known))];
}

function namedFile(path: string, known: readonly Place[]): ClientFile {
  const full = resolve(path);
  const text = textOf(full);
  const format = known.find((place) => place.path === full)?.format ?? formatOf(full, text);
  return described(full, format, text);
}

/** The servers of a file, those of single projects too. */
export function entriesOf(file: ClientFile): ClientEntry[] {
  const { text, format } = file;
  return [undefined, ...projectsIn(text, format)].flatMap((project) => {
    const { servers, problems } = readServers(text, format.id, project);
    const common = (name: string) => ({
      file,
      name,
      project,
      path: [...pathOfServers(format, project), name],
    });
    const broken = problems.filter(({ server }) => !servers.some(({ name }) => name === server));
    return [
      ...servers.map((server) => ({
        ...common(server.name),
        isProtected:
          server.entry.type === 'stdio' &&
          behindAttach(server.entry.command, server.entry.args) !== undefined,
        server,
        fault: undefined,
      })),
      ...broken.flatMap(({ server: name, message }) =>
        name === undefined
          ? []
          : [{ ...common(name), isProtected: false, server: undefined, fault: message }],
      ),
    ];
  });
}

interface Place {
  readonly path: string;
  readonly format: ConfigFormat;
}

function knownPlaces(): Place[] {
  const machine = thisMachine();
  const folder = process.cwd();
  return Object.values(FORMATS).flatMap((format) => [
    ...(format.workspaceFile ? [{ path: join(folder, ...format.workspaceFile), format }] : []),
    ...format.userFiles(machine).map((path) => ({ path, format })),
  ]);
}

function thisMachine(): Machine {
  const machine = { platform: process.platform, home: homedir(), env: process.env, editorFolders: [] };
  const users = [
    ...EDITORS.map((editor) => join(settingsFolder(machine), editor, 'User')),
    join(machine.home, '.vscode-server', 'data', 'User'),
  ];
  return { ...machine, editorFolders: users.flatMap((user) => [user, ...profilesOf(user)]) };
}

function profilesOf(user: string): string[] {
  try {
    const found = readdirSync(join(user, 'profiles'), { withFileTypes: true });
    return found.filter((each) => each.isDirectory()).map(({ name }) => join(user, 'profiles', name));
  } catch {
    return [];
  }
}

/** A known file that cannot be read is not worth an end; it is told on standard error. */
function opened({ path, format }: Place): ClientFile | undefined {
  try {
    return described(path, format, textOf(path));
  } catch (error) {
    console.error(`resilient-mcp: ${describeError(error)}`);
    return undefined;
  }
}

function described(path: string, format: ConfigFormat, text: string): ClientFile {
  const real = realpathSync(path);
  const isInGit = [real, path].some(isBelowGit);
  return { path: real, format, text, isInGit, isOwn: format.id === 'vscode' && !isInGit };
}

function isBelowGit(path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return true;
    if (dirname(folder) === folder) return false;
  }
}

/** @throws Failed */
function textOf(path: string): string {
  try {
    if (statSync(path).size > MAX_CONFIG_LENGTH * MAX_BYTES_PER_CHARACTER)
      throw new Error('it is too large.');
    return decoded(readFileSync(path));
  } catch (error) {
    throw new Failed(`${path} cannot be read: ${describeError(error)}`);
  }
}

/** The text of a file with its byte order mark. @throws for what is not UTF-8: it could not be given back to the byte */
function decoded(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** Whose file it is, by its name, or by what is in it. */
function formatOf(path: string, text: string): ConfigFormat {
  const all = Object.values(FORMATS);
  const names = (format: ConfigFormat) => [
    format.workspaceFile?.join('/'),
    ...format.userFiles(thisMachine()).map((file) => basename(file)),
  ];
  const slashed = path.replaceAll('\\', '/');
  const exact = all.find(
    (format) => format.workspaceFile !== undefined && slashed.endsWith(`/${format.workspaceFile.join('/')}`),
  );
  const byName = all.filter((format) => names(format).includes(basename(path)));
  if (exact) return exact;
  const [only, second] = byName;
  if (only && !second) return only;
  return readServers(text, 'vscode').servers.length > 0 ? FORMATS.vscode : FORMATS['claude-code'];
}
