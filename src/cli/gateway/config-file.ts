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

/** Keys that only this project has, with the meaning of the setting `resilientMcp.servers`. */
const OWN_KEYS = ['replay', 'shared', 'endSession', 'inheritEnv'];
/** All keys of an entry with a `module`: only this project has those. */
const MODULE_KEYS = ['type', 'module', 'env', 'envFile', 'enabled', ...OWN_KEYS];
/** Folders inside a project in which clients keep their configuration file. */
const CLIENT_FOLDERS = new Set(['.vscode', '.cursor']);

type Entries = Readonly<Record<string, unknown>>;

export interface ConfigFile {
  readonly servers: readonly ServerConfig[];
  /** Problems of single entries, as sentences. */
  readonly problems: readonly string[];
}

/** The file cannot be read, or does not define servers. */
export class UnreadableConfig extends Error {}

/**
 * Reads the servers of a file in the format of MCP clients: `servers` or `mcpServers`, JSON with comments. Replaces
 * placeholders, except those for inputs. @throws UnreadableConfig
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

/** The project folder of a file: its programs start there, and `${workspaceFolder}` stands for it. */
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
    `${path} has neither "servers" nor "mcpServers", an object of names and entries.`,
  );
}

/** The readers of other clients' files do not know this type. */
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

/** A URL parser removes `.` and `..` from a path. */
function isEndpointName(name: string): boolean {
  return name !== '.' && name !== '..';
}

function at(key: string, server: string): string {
  return `${key}[${JSON.stringify(server)}]`;
}

function nameWords(key: string, name: string): string {
  return `${at(key, name)} has a name that cannot be part of an address. Rename it.`;
}

function faultWords(key: string): (problem: ImportProblem) => string {
  return ({ server, message }) => (server === undefined ? message : `${at(key, server)} ${message}`);
}

function uselessWords(key: string, { name, enabled, leftOut }: FoundServer): string[] {
  const useless = leftOut.filter((each) => !OWN_KEYS.includes(each));
  return enabled && useless.length > 0
    ? [`${at(key, name)} has keys without effect here: ${useless.join(', ')}.`]
    : [];
}

/** Rewords a problem of the setting for this file. */
function problemWords(key: string): (problem: ConfigProblem) => string {
  return ({ key: where, message, input }) => {
    const here = where.replace(SERVERS_KEY, key);
    if (input === undefined) return `${here} ${message}`;
    return `${here} contains an \${input:…} placeholder, which is not supported here. Use \${env:NAME} instead.`;
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

/** The variables of an env file; undefined if it cannot be read. */
function variablesIn(path: string): NodeJS.Dict<string> | undefined {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
