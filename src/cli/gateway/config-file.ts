import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, resolve, sep } from 'node:path';
import { parseEnv } from 'node:util';
import { getNodeValue } from 'jsonc-parser';
import type { FoundServer, ImportProblem } from '../../config/import/found-server.ts';
import { readJson } from '../../config/import/json-text.ts';
import { readServers } from '../../config/import/read-servers.ts';
import { isRecord } from '../../config/layers.ts';
import {
  type ConfigProblem,
  parseServers,
  SERVERS_KEY,
  type ServerConfig,
} from '../../config/server-config.ts';
import type { VariableLookups } from '../../config/variables.ts';
import { describeError } from '../../protocol/errors.ts';

/** Keys of an entry that no other client has; they mean what they mean in the setting `resilientMcp.servers`. */
const OWN_KEYS = ['replay', 'shared', 'endSession', 'inheritEnv'];
/** An entry that names a module is one of ours whole. */
const MODULE_KEYS = ['type', 'module', 'env', 'envFile', 'enabled', ...OWN_KEYS];
/** Folders that a client keeps its file in, inside the project that the file is about. */
const CLIENT_FOLDERS = new Set(['.vscode', '.cursor']);

type Entries = Readonly<Record<string, unknown>>;

export interface ConfigFile {
  readonly servers: readonly ServerConfig[];
  /** What is wrong with single entries, as sentences. */
  readonly problems: readonly string[];
}

/** A file that cannot be read, or is none of servers. */
export class UnreadableConfig extends Error {}

/**
 * The servers of a file in the form that MCP clients have: `servers` or `mcpServers`, JSON with comments. Placeholders
 * are replaced, those for inputs excepted. @throws UnreadableConfig
 */
export function readConfigFile(path: string, env: Readonly<Record<string, string | undefined>>): ConfigFile {
  const text = textOf(path);
  const { key, raw } = rawServers(path, text);
  const read = readServers(text);
  const modules = Object.entries(raw).filter(([, entry]) => isModule(entry));
  const entries = [
    ...modules.map(([name, entry]): [string, unknown] => [name, picked(entry, MODULE_KEYS)]),
    ...read.servers.map((found): [string, unknown] => [found.name, entryOf(found, raw)]),
  ];
  const named = entries.filter(([name]) => isEndpointName(name));
  const { servers, problems } = parseServers(Object.fromEntries(named), undefined, () => lookups(path, env));
  return {
    servers,
    problems: [
      ...read.problems.filter(({ server }) => !isModule(raw[server ?? ''])).map(faultWords(key)),
      ...entries.filter(([name]) => !isEndpointName(name)).map(([name]) => nameWords(key, name)),
      ...read.servers.flatMap((found) => uselessWords(key, found)),
      ...problems.map(problemWords(key)),
    ],
  };
}

/** The folder that a file is about: where its programs start, and its `${workspaceFolder}`. */
export function projectOf(path: string): string {
  const folder = dirname(resolve(path));
  return CLIENT_FOLDERS.has(basename(folder)) ? dirname(folder) : folder;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UnreadableConfig(`${path} cannot be read: ${describeError(error)}`);
  }
}

function rawServers(path: string, text: string): { key: string; raw: Entries } {
  const json = readJson(text);
  if ('fault' in json) throw new UnreadableConfig(`${path} ${json.fault}`);
  const root: unknown = json.root && getNodeValue(json.root);
  for (const key of ['servers', 'mcpServers']) {
    const raw = isRecord(root) ? root[key] : undefined;
    if (isRecord(raw)) return { key, raw };
  }
  throw new UnreadableConfig(
    `${path} holds neither "servers" nor "mcpServers", an object of names and entries.`,
  );
}

/** Other clients have none, so that their readers do not know it. */
function isModule(entry: unknown): boolean {
  return isRecord(entry) && 'module' in entry && !('url' in entry) && !('command' in entry);
}

function entryOf({ name, entry, enabled }: FoundServer, raw: Entries): unknown {
  return { ...entry, ...picked(raw[name], OWN_KEYS), enabled };
}

function picked(entry: unknown, keys: readonly string[]): Entries {
  const pairs = isRecord(entry) ? Object.entries(entry) : [];
  return Object.fromEntries(pairs.filter(([key]) => keys.includes(key)));
}

/** Every client resolves these away in an address. */
function isEndpointName(name: string): boolean {
  return name !== '.' && name !== '..';
}

function at(key: string, server: string): string {
  return `${key}[${JSON.stringify(server)}]`;
}

function nameWords(key: string, name: string): string {
  return `${at(key, name)} has a name that no address can hold. Give it another.`;
}

function faultWords(key: string): (problem: ImportProblem) => string {
  return ({ server, message }) => (server === undefined ? message : `${at(key, server)} ${message}`);
}

function uselessWords(key: string, { name, enabled, leftOut }: FoundServer): string[] {
  const useless = leftOut.filter((each) => !OWN_KEYS.includes(each));
  return enabled && useless.length > 0
    ? [`${at(key, name)} holds what has no use here: ${useless.join(', ')}.`]
    : [];
}

/** A problem of the setting as one of this file. */
function problemWords(key: string): (problem: ConfigProblem) => string {
  return ({ key: where, message, input }) => {
    const here = where.replace(SERVERS_KEY, key);
    if (input === undefined) return `${here} ${message}`;
    return `${here} holds a placeholder for an input, and nobody is asked for it here. Write one for a variable of the environment.`;
  };
}

function lookups(path: string, env: Readonly<Record<string, string | undefined>>): VariableLookups {
  const project = projectOf(path);
  return {
    env: (name) => env[name],
    input: () => undefined,
    workspaceFolder: (name) => (name === undefined || name === basename(project) ? project : undefined),
    userHome: homedir(),
    pathSeparator: sep,
    envFile: (file) => variablesIn(resolve(project, file)),
  };
}

/** The variables in a file; undefined where it can't be read. */
function variablesIn(path: string): NodeJS.Dict<string> | undefined {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
