/**
 * The setting `resilientMcp.servers`: what a person may write, and what is made of it. One bad entry never costs the
 * good ones their connection.
 */
import * as z from 'zod';
import type { ReplayPolicy } from '../protocol/replay.ts';

/** One server of the setting `resilientMcp.servers`, validated. */
export interface ServerConfig {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Which calls are made again when it is not known whether they ran. */
  readonly replay: { readonly default: ReplayPolicy; readonly tools: Readonly<Record<string, ReplayPolicy>> };
  /** Whether the session is ended with DELETE when the connection closes. */
  readonly endSession: boolean;
}

/** Something in the setting that can't be used as it stands. */
export interface ConfigProblem {
  /** Where it is, as a path: `resilientMcp.servers["github"].url`. */
  readonly key: string;
  /** What is wrong and what to write instead, as sentences. */
  readonly message: string;
}

export interface ParsedServers {
  /** The usable servers that are not disabled, in the order of the setting. */
  readonly servers: readonly ServerConfig[];
  readonly problems: readonly ConfigProblem[];
}

export const SERVERS_KEY = 'resilientMcp.servers';

/** Upper bounds of the setting. The manifest repeats them, so that the settings editor marks what breaks them. */
export const CONFIG_LIMITS = {
  servers: 64,
  nameLength: 64,
  urlLength: 2048,
  headers: 32,
  headerNameLength: 128,
  headerValueLength: 8192,
  replayTools: 256,
} as const;

/** An HTTP field name (RFC 9110 section 5.1, `token`). */
export const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** An HTTP field value (RFC 9110 section 5.5): no control characters but the tab, nothing beyond Latin-1. */
export const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Set by the connection itself; a fixed value would break it (a fixed session id is how sessions get stuck). */
const CONNECTION_HEADERS = new Set([
  'accept',
  'connection',
  'content-length',
  'content-type',
  'host',
  'last-event-id',
  'mcp-protocol-version',
  'mcp-session-id',
  'transfer-encoding',
]);

/** Placeholders that other MCP configurations replace and this setting does not. */
const PLACEHOLDER = /\$\{(?:env|input|config|command|workspaceFolder|userHome)\b[^}]*\}/;

const url = z
  .string({ error: 'must be a string: the http:// or https:// address of the MCP endpoint.' })
  .superRefine((value, context) => {
    const message = urlFault(value);
    if (message) context.addIssue({ code: 'custom', message });
  });

const header = z.string({ error: 'must be a string.' }).superRefine((value, context) => {
  const message = headerValueFault(value);
  if (message) context.addIssue({ code: 'custom', message });
});

const headers = z.record(z.string(), header, { error: 'must be an object of header names and values.' });

const policy = z.enum(['hints', 'always', 'never'], { error: 'must be "hints", "always" or "never".' });

const replay = z.strictObject(
  {
    default: policy.optional(),
    tools: z
      .record(z.string(), policy, { error: 'must be an object of tool names and policies.' })
      .refine((tools) => Object.keys(tools).length <= CONFIG_LIMITS.replayTools, {
        error: `must not name more than ${CONFIG_LIMITS.replayTools} tools.`,
      })
      .optional(),
  },
  { error: 'must be an object such as { "default": "hints", "tools": { "search": "always" } }.' },
);

/** The schema of one entry. Keys that it does not know are reported and ignored, see {@link parseServers}. */
export const serverEntrySchema = z.object(
  {
    url,
    headers: headers
      .superRefine((value, context) => {
        for (const [name, message] of headerNameFaults(Object.keys(value))) {
          context.addIssue({ code: 'custom', message, path: name === undefined ? [] : [name] });
        }
      })
      .optional(),
    enabled: z.boolean({ error: 'must be true or false.' }).optional(),
    replay: replay.optional(),
    endSession: z.boolean({ error: 'must be true or false.' }).optional(),
  },
  { error: 'must be an object such as { "url": "http://localhost:3000/mcp" }.' },
);

/**
 * Reads the setting: the user's value and, where there is one, the workspace's over it. A bad entry becomes problems
 * and is left out; the others are returned as usual. A key that is not known is a problem too, but its server is kept:
 * it may stem from a newer version of this extension.
 */
export function parseServers(user: unknown, workspace?: unknown): ParsedServers {
  const problems: ConfigProblem[] = [];
  const entries = Object.entries(layered(asRecord(user, problems), asRecord(workspace, problems)));
  const servers: ServerConfig[] = [];
  for (const [name, entry] of entries.slice(0, CONFIG_LIMITS.servers)) {
    const parsed = parseEntry(name, entry);
    problems.push(...parsed.problems);
    if (parsed.server) servers.push(parsed.server);
  }
  const extra = entries.length - CONFIG_LIMITS.servers;
  if (extra > 0) {
    const message = `holds more than ${CONFIG_LIMITS.servers} servers. The last ${extra} are not connected: remove some.`;
    problems.push({ key: SERVERS_KEY, message });
  }
  return { servers, problems };
}

function asRecord(value: unknown, problems: ConfigProblem[]): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value;
  if (value !== undefined && value !== null) {
    const message = 'must be an object: server names, each with at least a "url".';
    problems.push({ key: SERVERS_KEY, message });
  }
  return {};
}

/**
 * An entry of the workspace changes single keys of the user's (`enabled`, say). One with a URL of its own replaces it
 * whole: the user's headers, tokens among them, must not go to a place that the user did not name.
 */
function layered(
  user: Readonly<Record<string, unknown>>,
  workspace: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged = new Map(Object.entries(user));
  for (const [name, entry] of Object.entries(workspace)) {
    const below = merged.get(name);
    const changes = isRecord(entry) && isRecord(below) && !Object.hasOwn(entry, 'url');
    merged.set(name, changes ? { ...below, ...entry } : entry);
  }
  return Object.fromEntries(merged);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseEntry(name: string, entry: unknown): { server?: ServerConfig; problems: ConfigProblem[] } {
  const key = `${SERVERS_KEY}[${quoted(name)}]`;
  const fault = nameFault(name);
  if (fault) return { problems: [{ key, message: fault }] };
  const parsed = serverEntrySchema.safeParse(entry);
  if (!parsed.success) {
    return {
      problems: parsed.error.issues.map(({ path, message }) => ({ key: keyPath(key, path), message })),
    };
  }
  const { url, headers = {}, enabled = true, replay = {}, endSession = true } = parsed.data;
  const problems = unknownKeys(entry).map((unknown) => ({
    key: keyPath(key, [unknown]),
    message: `is not known and is ignored. Known are ${Object.keys(serverEntrySchema.shape).join(', ')}.`,
  }));
  if (!enabled) return { problems };
  const policies = { default: replay.default ?? 'hints', tools: replay.tools ?? {} };
  return { server: { name, url, headers, replay: policies, endSession }, problems };
}

function unknownKeys(entry: unknown): string[] {
  return Object.keys(entry as object).filter((key) => !Object.hasOwn(serverEntrySchema.shape, key));
}

/** `.url` for a plain key, `["x-y"]` for any other. */
function keyPath(start: string, path: readonly PropertyKey[]): string {
  const parts = path.map(String);
  return parts.reduce(
    (key, part) => key + (/^[A-Za-z_]\w*$/.test(part) ? `.${part}` : `[${quoted(part)}]`),
    start,
  );
}

/** A key as it stands in the settings file, cut to a length that fits a message. */
function quoted(key: string): string {
  const { nameLength } = CONFIG_LIMITS;
  return JSON.stringify(key.length > nameLength ? `${key.slice(0, nameLength)}…` : key);
}

function nameFault(name: string): string | undefined {
  if (name.trim() === '') return 'has no name. Give the server a name, such as "github".';
  if (name.length > CONFIG_LIMITS.nameLength) {
    return `has a name of ${name.length} characters. Use at most ${CONFIG_LIMITS.nameLength}.`;
  }
  // Format characters include those that reverse the reading direction and so disguise a name.
  return /\p{C}/u.test(name) ? 'has a control or format character in its name. Remove it.' : undefined;
}

function urlFault(value: string): string | undefined {
  if (value.length > CONFIG_LIMITS.urlLength) return `is longer than ${CONFIG_LIMITS.urlLength} characters.`;
  const placeholder = PLACEHOLDER.exec(value);
  if (placeholder) return placeholderAdvice(placeholder[0]);
  const parsed = URL.canParse(value) ? new URL(value) : undefined;
  if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:') {
    return 'must be a full http:// or https:// address, such as "http://localhost:3000/mcp".';
  }
  // fetch refuses such an address, and it would end up in logs.
  return parsed.username !== '' || parsed.password !== ''
    ? 'must not hold a user name or password. Put them into "headers" as "Authorization".'
    : undefined;
}

function headerValueFault(value: string): string | undefined {
  if (value.length > CONFIG_LIMITS.headerValueLength) {
    return `is longer than ${CONFIG_LIMITS.headerValueLength} characters.`;
  }
  const placeholder = PLACEHOLDER.exec(value);
  if (placeholder) return placeholderAdvice(placeholder[0]);
  return HEADER_VALUE.test(value)
    ? undefined
    : 'must not hold line breaks, control characters or characters beyond Latin-1. Remove them or encode the value.';
}

/** Each fault with the header it is about, or with undefined for one about all of them. */
function headerNameFaults(names: readonly string[]): [string | undefined, string][] {
  const faults: [string | undefined, string][] = [];
  if (names.length > CONFIG_LIMITS.headers) {
    faults.push([undefined, `must not hold more than ${CONFIG_LIMITS.headers} headers.`]);
  }
  const seen = new Set<string>();
  for (const name of names) {
    const lower = name.toLowerCase();
    if (!HEADER_NAME.test(name) || name.length > CONFIG_LIMITS.headerNameLength) {
      faults.push([name, 'is not a header name. Use letters, digits and hyphens, such as "Authorization".']);
    } else if (CONNECTION_HEADERS.has(lower)) {
      faults.push([name, 'is set by the connection itself. Remove it.']);
    } else if (seen.has(lower)) {
      faults.push([name, 'stands twice: header names are the same in upper and lower case. Remove one.']);
    }
    seen.add(lower);
  }
  return faults;
}

function placeholderAdvice(placeholder: string): string {
  return `holds ${quoted(placeholder)}, which is not replaced here. Write the value itself.`;
}
