import { findNodeAtLocation, getNodeValue, type Node } from 'jsonc-parser';
import { type ConfigFormat, type FormatId, pathOfServers, type RawEntry } from './config-format.ts';
import { FORMATS } from './formats.ts';
import type { FoundServer, ImportedEntry, ImportProblem, ReadServers } from './found-server.ts';
import { readInputs } from './inputs.ts';
import { readJson } from './json-text.ts';
import { namedType } from './transport-type.ts';

/** How many servers of one file are read. What lies beyond is a problem. */
export const MAX_SERVERS_IN_FILE = 256;

/** What an entry may hold and what is taken over of it, by transport. */
const TAKEN = {
  http: ['headers'],
  sse: ['headers'],
  stdio: ['command', 'args', 'env', 'envFile', 'cwd'],
} as const;
/** Keys that mean nothing once another client has the server: how it is named, allowed and shown. */
const WITHOUT_MEANING = new Set([
  'type',
  'transport',
  'transportType',
  'disabled',
  'enabled',
  'autoApprove',
  'alwaysAllow',
  'disabledTools',
  'timeout',
  'name',
  'description',
  'gallery',
  'version',
]);

/**
 * Reads the servers of a configuration file. Nothing of it is run, resolved or looked up: placeholders stay, in this
 * project's spelling.
 *
 * @param format whose file it is. Default: VS Code's if it has `servers`, else Claude Code's, which most clients share.
 * @param project the folder whose servers are wanted, in a file that has some for single projects
 */
export function readServers(text: string, format?: FormatId, project?: string): ReadServers {
  const json = readJson(text);
  if ('fault' in json) return nothing(`The file ${json.fault}`);
  if (!json.root) return { servers: [], inputs: [], problems: [] };
  const root: unknown = getNodeValue(json.root);
  if (!isRecord(root)) return nothing('The file must hold an object.');
  const strategy = FORMATS[format ?? (Object.hasOwn(root, 'servers') ? 'vscode' : 'claude-code')];
  const within = pathOfServers(strategy, project).slice(0, -1);
  const node = findNodeAtLocation(json.root, within);
  const value: unknown = node && getNodeValue(node);
  if (!node || !isRecord(value)) return { servers: [], inputs: [], problems: [] };
  return readRoot(value, strategy, repeatedNames(node, strategy));
}

/** The folders for which a file names servers of their own. */
export function projectsIn(text: string, { projectsKey, serversKey }: ConfigFormat): string[] {
  if (projectsKey === undefined) return [];
  const json = readJson(text);
  const root = 'fault' in json ? undefined : json.root;
  const node = root && findNodeAtLocation(root, [projectsKey]);
  const projects: unknown = node && getNodeValue(node);
  const all = isRecord(projects) ? Object.entries(projects) : [];
  return all
    .filter(([, each]) => {
      const servers = isRecord(each) ? each[serversKey] : undefined;
      return isRecord(servers) && Object.keys(servers).length > 0;
    })
    .map(([folder]) => folder);
}

function readRoot(root: RawEntry, format: ConfigFormat, repeated: readonly string[]): ReadServers {
  const named = root[format.serversKey] ?? {};
  if (!isRecord(named)) return nothing(`"${format.serversKey}" must be an object: server names and entries.`);
  const problems: ImportProblem[] = repeated.map((server) => ({
    server,
    message: 'stands twice in the file. The last one counts.',
  }));
  const servers: FoundServer[] = [];
  const entries = Object.entries(named);
  for (const [name, raw] of entries.slice(0, MAX_SERVERS_IN_FILE)) {
    const entry = isRecord(raw) ? entryOf(raw, format) : 'must be an object.';
    if (typeof entry === 'string') problems.push({ server: name, message: entry });
    else servers.push(found(name, entry, raw as RawEntry, format));
  }
  if (entries.length > MAX_SERVERS_IN_FILE) {
    problems.push({
      message: `The file names more than ${MAX_SERVERS_IN_FILE} servers; the others are not read.`,
    });
  }
  const { inputs, faults } = readInputs(format.hasInputs ? root.inputs : undefined);
  for (const { index, message } of faults) {
    problems.push({ message: `"inputs"${index === undefined ? '' : `[${index}]`} ${message}` });
  }
  return { servers, inputs, problems };
}

function nothing(message: string): ReadServers {
  return { servers: [], inputs: [], problems: [{ message }] };
}

function found(name: string, entry: ImportedEntry, raw: RawEntry, format: ConfigFormat): FoundServer {
  const leftOut = leftOutOf(raw, entry, format);
  return { name, entry, enabled: !format.isDisabled(raw) && raw.enabled !== false, leftOut };
}

/** Keys of an entry that mean something to its client and have no counterpart here. */
export function leftOutOf(raw: RawEntry, { type }: ImportedEntry, format: ConfigFormat): string[] {
  const known = new Set<string>([...TAKEN[type], ...format.urlKeys]);
  return Object.keys(raw).filter((key) => !known.has(key) && !WITHOUT_MEANING.has(key));
}

/** The entry in our terms, or what is wrong with it. */
export function entryOf(raw: RawEntry, format: ConfigFormat): ImportedEntry | string {
  try {
    // Outside its sandbox the server would have more rights than the user gave it.
    if (raw.sandboxEnabled === true) return 'runs in a sandbox of its client, which it would not have here.';
    const type = typeOf(raw, format);
    if (type === undefined) return 'has neither a "url" nor a "command".';
    if (typeof type === 'object')
      return `has the transport ${JSON.stringify(type.unknown)}, which is not supported.`;
    return type === 'stdio' ? stdioEntry(raw, format) : httpEntry(type, raw, format);
  } catch (error) {
    if (error instanceof WrongEntry) return error.message;
    throw error;
  }
}

function typeOf(raw: RawEntry, format: ConfigFormat): ReturnType<typeof namedType> {
  const named = namedType(raw);
  if (named !== undefined) return named;
  if (typeof raw.command === 'string') return 'stdio';
  const url = urlIn(raw, format);
  return url === undefined ? undefined : format.typeOfUrl(url);
}

/** An entry that can't be used, as its message says. Caught where it is read. */
class WrongEntry extends Error {}

function urlIn(raw: RawEntry, format: ConfigFormat): string | undefined {
  const key = format.urlKeys.find((key) => raw[key] !== undefined);
  return key === undefined ? undefined : text(raw, key);
}

function httpEntry(type: 'http' | 'sse', raw: RawEntry, format: ConfigFormat): ImportedEntry {
  const url = urlIn(raw, format);
  if (url === undefined) throw new WrongEntry(`has no "${format.urlKeys.at(-1)}".`);
  const headers = texts(raw, 'headers', format);
  return { type, url: format.respell(url), ...(headers && { headers }) };
}

function stdioEntry(raw: RawEntry, format: ConfigFormat): ImportedEntry {
  const command = text(raw, 'command');
  if (command === undefined) throw new WrongEntry('has no "command".');
  const args = list(raw, 'args')?.map(format.respell);
  const env = texts(raw, 'env', format);
  const [envFile, cwd] = [text(raw, 'envFile'), text(raw, 'cwd')];
  return {
    type: 'stdio',
    command: format.respell(command),
    ...(args && { args }),
    ...(env && { env }),
    ...(envFile !== undefined && { envFile: format.respell(envFile) }),
    ...(cwd !== undefined && { cwd: format.respell(cwd) }),
  };
}

function text(raw: RawEntry, key: string): string | undefined {
  const value = raw[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value.trim() === '') throw new WrongEntry(`"${key}" must be a text.`);
  return value;
}

function list(raw: RawEntry, key: string): string[] | undefined {
  const value = raw[key];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw new WrongEntry(`"${key}" must be a list of texts.`);
  return value.map((part: unknown) => scalar(part, key));
}

function texts(raw: RawEntry, key: string, format: ConfigFormat): Record<string, string> | undefined {
  const value = raw[key];
  if (value === undefined || value === null) return undefined;
  if (!isRecord(value)) throw new WrongEntry(`"${key}" must be an object of names and texts.`);
  // null takes a variable out of the environment (VS Code); what is not set there has no effect here either.
  const set = Object.entries(value).filter(([, part]) => part !== null);
  return Object.fromEntries(set.map(([name, part]) => [name, format.respell(scalar(part, key))]));
}

/** People write ports and switches as numbers and booleans; a process and a header know texts only. */
function scalar(part: unknown, key: string): string {
  if (typeof part === 'string') return part;
  if (typeof part === 'number' || typeof part === 'boolean') return String(part);
  throw new WrongEntry(`"${key}" must hold texts only.`);
}

/** Keys that stand twice. A parser takes the last one and says nothing. */
function repeatedNames(root: Node, { serversKey }: ConfigFormat): string[] {
  const properties = (node: Node | undefined) => node?.children?.map(({ children }) => children) ?? [];
  const servers = properties(root).findLast((pair) => pair?.[0]?.value === serversKey)?.[1];
  const names = properties(servers).map((pair) => String(pair?.[0]?.value));
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

function isRecord(value: unknown): value is RawEntry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
