/**
 * The setting `resilientMcp.servers`: what a person may write, and what is made of it. One bad entry never costs the
 * good ones their connection.
 */
import type { ReplayPolicy } from '../protocol/replay.ts';
import {
  type EntryVariableFault,
  isOffAndOpen,
  isRecord,
  type Layer,
  type LayeredEntry,
  layered,
  resolveEntry,
} from './layers.ts';
import {
  CONFIG_LIMITS,
  keyPath,
  quoted,
  readEntry,
  type ServerEntry,
  type ServerType,
} from './server-entry.ts';
import { nameFault } from './server-name.ts';
import type { WaitingServer } from './trust.ts';
import { hasVariables, type VariableLookups } from './variables.ts';

interface CommonConfig {
  /** The key in the setting; unique, and what a person calls the server. */
  readonly name: string;
  /** Which calls are made again when it is not known whether they ran. */
  readonly replay: { readonly default: ReplayPolicy; readonly tools: Readonly<Record<string, ReplayPolicy>> };
  /** Whether all clients share one session with the server. Default false: each has its own. */
  readonly shared: boolean;
  /**
   * The `url`, `command` or `module` as it was written, if placeholders in it were replaced: displays show this one.
   */
  readonly written?: string;
}

/** A server at an address, over Streamable HTTP. */
export interface HttpServerConfig extends CommonConfig {
  readonly type: 'http';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the session is ended with DELETE when the connection closes. */
  readonly endSession: boolean;
}

/** A server at an address, over the HTTP+SSE transport of MCP 2024-11-05. */
export interface SseServerConfig extends CommonConfig {
  readonly type: 'sse';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where a process starts, and from where relative paths are read; undefined: where the edge says. */
interface Local {
  readonly startFolder?: string;
}

/** A program that speaks MCP over its standard input and output. */
export interface StdioServerConfig extends CommonConfig, Local {
  readonly type: 'stdio';
  /** A program by path, or by a name that is looked for in PATH. Never a shell line. */
  readonly command: string;
  readonly args: readonly string[];
  /** Beside the variables that every process is given. */
  readonly env: Readonly<Record<string, string>>;
  /** Which of the editor's variables it is given, by name, beside a short list; undefined: all. */
  readonly inheritEnv?: readonly string[];
  /** Its working folder; undefined: where it starts. */
  readonly cwd: string | undefined;
}

/** A file that makes a server, run by `resilient-mcp serve`. */
export interface ModuleServerConfig extends CommonConfig, Local {
  readonly type: 'module';
  readonly module: string;
  readonly env: Readonly<Record<string, string>>;
  /** As that of a program. */
  readonly inheritEnv?: readonly string[];
}

/** One server of the setting `resilientMcp.servers`, validated. Plain data. */
export type ServerConfig = HttpServerConfig | SseServerConfig | StdioServerConfig | ModuleServerConfig;

/** Something in the setting that can't be used as it stands. */
export interface ConfigProblem {
  /** Where it is, as a path: `resilientMcp.servers["github"].url`. */
  readonly key: string;
  /** The problem and its remedy, as sentences. */
  readonly message: string;
  /** The input to ask for, if a missing value is the only problem. */
  readonly input?: { readonly id: string; readonly layer: Layer };
  /** The server is not for this window, which has no such folder: nothing that a person would have to mend. */
  readonly ofWindow?: true;
}

export interface ParsedServers {
  /** The usable servers that are not disabled, in the order of the setting. */
  readonly servers: readonly ServerConfig[];
  readonly problems: readonly ConfigProblem[];
  /** Those of the user that are not started before the workspace is trusted. */
  readonly waiting: readonly WaitingServer[];
}

export const SERVERS_KEY = 'resilientMcp.servers';

/**
 * Reads the setting: the user's value and, where there is one, the workspace's over it. A bad entry becomes problems
 * and is left out; the others are returned as usual. A key that is not known is a problem too, but its server is kept:
 * it may stem from a newer version of this extension.
 *
 * @param lookups the values of placeholders, see `variables.ts`. Default: none is replaced, and each is a problem.
 * @param untrusted the open folders, by absolute path, where the workspace is not trusted; undefined where it is
 */
export function parseServers(
  user: unknown,
  workspace?: unknown,
  lookups?: (layer: Layer) => VariableLookups,
  untrusted?: readonly string[],
): ParsedServers {
  const waiting: WaitingServer[] = [];
  const problems: ConfigProblem[] = [];
  const entries = [...layered(asRecord(user, problems), asRecord(workspace, problems))];
  const servers: ServerConfig[] = [];
  for (const [name, entry] of entries.slice(0, CONFIG_LIMITS.servers)) {
    const parsed = parseEntry(name, entry, { lookups, untrusted });
    problems.push(...parsed.problems);
    if (parsed.waiting) waiting.push(parsed.waiting);
    if (parsed.server) servers.push(parsed.server);
  }
  const extra = entries.length - CONFIG_LIMITS.servers;
  if (extra > 0) {
    const message = `holds more than ${CONFIG_LIMITS.servers} servers. The last ${extra} are not connected: remove some.`;
    problems.push({ key: SERVERS_KEY, message });
  }
  return { servers, problems, waiting };
}

function asRecord(value: unknown, problems: ConfigProblem[]): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  if (value !== undefined && value !== null) {
    const message = 'must be an object: server names, each with at least a "url", a "command" or a "module".';
    problems.push({ key: SERVERS_KEY, message });
  }
  return {};
}

interface Reading {
  readonly lookups: ((layer: Layer) => VariableLookups) | undefined;
  readonly untrusted: readonly string[] | undefined;
}

/** What came of one entry. */
interface Parsed {
  readonly server?: ServerConfig;
  readonly waiting?: WaitingServer;
  readonly problems: readonly ConfigProblem[];
}

function parseEntry(name: string, entry: LayeredEntry, { lookups, untrusted }: Reading): Parsed {
  const key = `${SERVERS_KEY}[${quoted(name)}]`;
  const fault = nameFault(name);
  if (fault) return { problems: [{ key, message: fault }] };
  const { value, faults, waits } = resolveEntry(entry, lookups, untrusted);
  if (waits) return { waiting: { name, target: writtenTarget(entry.value), ...waits }, problems: [] };
  if (faults.length > 0) return { problems: faults.map((fault) => problemOf(key, fault)) };
  if (isOffAndOpen(value)) return { problems: [] };
  const read = readEntry(value);
  const found = 'faults' in read ? read.faults : read.remarks;
  const problems = found.map(({ path, message }) => ({ key: keyPath(key, path), message }));
  if ('faults' in read) {
    return { problems: entry.replaces ? [...problems, { key, message: replacesWhole }] : problems };
  }
  if (read.entry.enabled === false) return { problems };
  const startFolder = lookups?.(entry.layer).startFolder;
  return { server: configOf({ name, ...read, written: targetIn(entry.value), startFolder }), problems };
}

const replacesWhole =
  'takes the place of the one in your own settings, and of all its values. Over that one a workspace may only switch "enabled", "shared" and "endSession", and make "replay" stricter.';

/** The destination of a local server as it was written. */
function writtenTarget(value: unknown): string {
  const { command, module } = isRecord(value) ? value : {};
  return String(command ?? module ?? '');
}

function problemOf(key: string, fault: EntryVariableFault): ConfigProblem {
  const { path, message, input, layer, ofWindow } = fault;
  return {
    key: keyPath(key, path),
    message,
    ...(input !== undefined && { input: { id: input, layer } }),
    ...(ofWindow && { ofWindow }),
  };
}

/** The destination of an entry as it was written, if what was put into it must not be shown. */
function targetIn(value: unknown): string | undefined {
  if (!isRecord(value)) return undefined;
  const { url, command, module } = value;
  return [url, command, module].find(
    (written): written is string => typeof written === 'string' && hasVariables(written),
  );
}

interface ToConfigure {
  readonly startFolder: string | undefined;
  readonly name: string;
  readonly type: ServerType;
  readonly entry: ServerEntry;
  readonly written: string | undefined;
}

function configOf({ name, type, entry, written, startFolder }: ToConfigure): ServerConfig {
  const { url = '', headers = {}, command = '', args = [], env = {}, inheritEnv, cwd, module = '' } = entry;
  const variables = { env, ...(inheritEnv && { inheritEnv }) };
  const { shared = false, endSession = true, replay = {} } = entry;
  const policies = { default: replay.default ?? 'hints', tools: replay.tools ?? {} };
  const common = { name, replay: policies, shared, ...(written !== undefined && { written }) };
  const local = startFolder !== undefined && { startFolder };
  switch (type) {
    case 'http':
      return { type, ...common, url, headers, endSession };
    case 'sse':
      return { type, ...common, url, headers };
    case 'stdio':
      return { type, ...common, ...local, command, args, ...variables, cwd };
    case 'module':
      return { type, ...common, ...local, module, ...variables };
  }
}
