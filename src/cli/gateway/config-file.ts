import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, resolve, sep } from 'node:path';
import { parseEnv } from 'node:util';
import { getNodeValue } from 'jsonc-parser';
import { readJson } from '../../fleet/import/json-text.ts';
import { readServers } from '../../fleet/import/read-servers.ts';
import { isRecord } from '../../fleet/layers.ts';
import { parseServers, SERVERS_KEY, type ServerConfig } from '../../fleet/server-config.ts';
import type { VariableLookups } from '../../fleet/variables.ts';
import { describeError } from '../../protocol/errors.ts';

/** Keys of an entry that no other client has; they mean what they mean in the setting `resilientMcp.servers`. */
const OWN_KEYS = ['replay', 'shared', 'endSession'];
/** An entry that names a module is one of ours whole. */
const MODULE_KEYS = ['type', 'module', 'env', 'enabled', ...OWN_KEYS];
/** Folders that a client keeps its file in, inside the project that the file is about. */
const CLIENT_FOLDERS = new Set(['.vscode', '.cursor']);

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
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UnreadableConfig(`${path} cannot be read: ${describeError(error)}`);
  }
  const { key, raw } = rawServers(path, text);
  const entries: Record<string, unknown> = {};
  const { servers: found, problems: faults } = readServers(text);
  const problems: string[] = [];
  for (const { name, entry, enabled, leftOut } of found) {
    entries[name] = { ...entry, ...picked(raw[name], OWN_KEYS), enabled };
    const unused = leftOut.filter((each) => !OWN_KEYS.includes(each));
    if (enabled && unused.length > 0) {
      problems.push(
        `${at(key, name)}: ${unused.join(', ')} ${unused.length > 1 ? 'have' : 'has'} no use here.`,
      );
    }
  }
  for (const { server, message } of faults) {
    const entry = server === undefined ? undefined : raw[server];
    if (server !== undefined && isRecord(entry) && 'module' in entry) {
      entries[server] = picked(entry, MODULE_KEYS);
    } else {
      problems.push(server === undefined ? message : `${at(key, server)} ${message}`);
    }
  }
  const parsed = parseServers(entries, undefined, () => lookups(path, env));
  return { servers: parsed.servers, problems: [...problems, ...parsed.problems.map(said(key))] };
}

/** The folder that a file is about: where its programs start, and its `${workspaceFolder}`. */
export function projectOf(path: string): string {
  const folder = dirname(resolve(path));
  return CLIENT_FOLDERS.has(basename(folder)) ? dirname(folder) : folder;
}

function rawServers(path: string, text: string): { key: string; raw: Readonly<Record<string, unknown>> } {
  const json = readJson(text);
  if ('fault' in json) throw new UnreadableConfig(`${path} ${json.fault}`);
  const root: unknown = json.root && getNodeValue(json.root);
  const key = ['servers', 'mcpServers'].find((each) => isRecord(root) && isRecord(root[each]));
  if (key === undefined) {
    throw new UnreadableConfig(
      `${path} holds neither "servers" nor "mcpServers", an object of names and entries.`,
    );
  }
  return { key, raw: (root as Record<string, Record<string, unknown>>)[key] ?? {} };
}

function picked(entry: unknown, keys: readonly string[]): Record<string, unknown> {
  return isRecord(entry)
    ? Object.fromEntries(Object.entries(entry).filter(([key]) => keys.includes(key)))
    : {};
}

function at(key: string, server: string): string {
  return `${key}[${JSON.stringify(server)}]`;
}

/** A problem of the setting as one of this file. */
function said(key: string): (problem: { key: string; message: string; input?: unknown }) => string {
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
    pathSeparator: sep === '\\' ? '\\' : '/',
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
