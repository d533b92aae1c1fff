/**
 * One entry of the setting `resilientMcp.servers`: its schema, its bounds, and what is wrong with one in words.
 */
import * as z from 'zod';
import { isConnectionHeader } from '../protocol/http/headers.ts';
import { MAX_NAME_LENGTH } from './server-name.ts';

/** How a server is reached. */
export type ServerType = 'http' | 'sse' | 'stdio' | 'module';

/**
 * What may be written as `type`, and what it means: other programs' configurations have names of their own for
 * `http`.
 */
const TYPE_NAMES = {
  http: 'http',
  'streamable-http': 'http',
  streamableHttp: 'http',
  sse: 'sse',
  stdio: 'stdio',
  module: 'module',
} as const satisfies Readonly<Record<string, ServerType>>;

type TypeName = keyof typeof TYPE_NAMES;

/** The key that a type cannot do without, what to write there, and the keys that only some types use. */
const TYPES: Readonly<Record<ServerType, { needs: Destination; example: string; uses: readonly string[] }>> =
  {
    http: { needs: 'url', example: 'http://localhost:3000/mcp', uses: ['url', 'headers', 'endSession'] },
    sse: { needs: 'url', example: 'http://localhost:3000/sse', uses: ['url', 'headers'] },
    stdio: {
      needs: 'command',
      example: 'npx',
      uses: ['command', 'args', 'env', 'envFile', 'inheritEnv', 'cwd'],
    },
    module: { needs: 'module', example: './server.ts', uses: ['module', 'env', 'envFile', 'inheritEnv'] },
  };

type Destination = 'url' | 'command' | 'module';

/** The type of an entry that names none, by the one of these keys that it has. */
const TYPE_BY_KEY: Readonly<Record<Destination, ServerType>> = {
  url: 'http',
  command: 'stdio',
  module: 'module',
};

/** Upper bounds of the setting. The manifest repeats them, so that the settings editor marks what breaks them. */
export const CONFIG_LIMITS = {
  servers: 64,
  nameLength: MAX_NAME_LENGTH,
  urlLength: 2048,
  headers: 32,
  headerNameLength: 128,
  headerValueLength: 8192,
  pathLength: 4096,
  args: 256,
  argLength: 8192,
  env: 256,
  envNameLength: 256,
  envValueLength: 8192,
  replayTools: 256,
} as const;

/** An HTTP field name (RFC 9110 section 5.1, `token`). */
export const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** An HTTP field value (RFC 9110 section 5.5): no control characters but the tab, nothing beyond Latin-1. */
export const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** The name of an environment variable: POSIX forbids `=`, and no system can pass a NUL. */
export const ENV_NAME = /^[^=\0]+$/;

/** Text with a custom check that returns its fault. */
function text(kind: string, faultOf: (value: string) => string | undefined) {
  return z.string({ error: kind }).superRefine((value, context) => {
    const message = faultOf(value);
    if (message) context.addIssue({ code: 'custom', message });
  });
}

const headers = z.record(z.string(), text('must be a string.', headerValueFault), {
  error: 'must be an object of header names and values.',
});

const path = text('must be a string.', (value) => pathFault(value));

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

const flag = z.boolean({ error: 'must be true or false.' }).optional();

/** The schema of one entry, whatever its type. Keys that it does not know are reported and ignored. */
export const serverEntrySchema = z.object(
  {
    type: z
      .enum(Object.keys(TYPE_NAMES) as [TypeName, ...TypeName[]], {
        error: 'must be "http", "sse", "stdio" or "module".',
      })
      .optional(),
    url: text('must be a string: the http:// or https:// address of the MCP endpoint.', urlFault).optional(),
    headers: headers.superRefine(report(headerNameFaults)).optional(),
    command: path.optional(),
    args: z
      .array(
        text('must be a string.', (value) => argumentFault(value, CONFIG_LIMITS.argLength)),
        {
          error: 'must be a list of strings.',
        },
      )
      .max(CONFIG_LIMITS.args, { error: `must not hold more than ${CONFIG_LIMITS.args} arguments.` })
      .optional(),
    env: z
      .record(
        z.string(),
        z
          .union([z.string(), z.number()], { error: 'must be a string.' })
          .transform(String)
          .pipe(text('must be a string.', (value) => argumentFault(value, CONFIG_LIMITS.envValueLength))),
        { error: 'must be an object of variable names and values.' },
      )
      .superRefine(report(envNameFaults))
      .optional(),
    envFile: path.optional(),
    inheritEnv: z
      .array(
        text('must be a string.', (value) => (isEnvName(value) ? undefined : noEnvName)),
        { error: 'must be a list of names of variables.' },
      )
      .max(CONFIG_LIMITS.env, { error: `must not name more than ${CONFIG_LIMITS.env} variables.` })
      .optional(),
    cwd: path.optional(),
    module: path.optional(),
    enabled: flag,
    shared: flag,
    replay: replay.optional(),
    endSession: flag,
  },
  { error: 'must be an object such as { "url": "http://localhost:3000/mcp" }.' },
);

export type ServerEntry = z.infer<typeof serverEntrySchema>;

/** Something that is wrong in an entry, and where: a path below it, empty for all of it. */
export interface EntryFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** A parsed entry: its typed values, or all its faults; and faults that do not invalidate it. */
export type ReadEntry =
  | { readonly type: ServerType; readonly entry: ServerEntry; readonly remarks: readonly EntryFault[] }
  | { readonly faults: readonly EntryFault[] };

/** Reads one entry. Keys without a use are remarked on and ignored: they may stem from a newer version. */
export function readEntry(value: unknown): ReadEntry {
  const parsed = serverEntrySchema.safeParse(value);
  const issues = parsed.error?.issues ?? [];
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const type = isObject ? typeOf(value) : undefined;
  if (!parsed.success || typeof type !== 'string') {
    return { faults: [...issues, ...(typeof type === 'object' ? [type] : [])] };
  }
  return { type, entry: parsed.data, remarks: uselessKeys(value as object, type) };
}

/** The type of an entry, named or told by its keys; a fault if neither tells; undefined where a named one is none. */
function typeOf(entry: object): ServerType | EntryFault | undefined {
  const written: unknown = 'type' in entry ? entry.type : undefined;
  if (written !== undefined) {
    if (typeof written !== 'string' || !Object.hasOwn(TYPE_NAMES, written)) return undefined;
    const type = TYPE_NAMES[written as TypeName];
    const { needs, example } = TYPES[type];
    if (needs in entry) return type;
    const message = `is missing. A server of type ${quoted(written)} needs it, such as ${quoted(example)}.`;
    return { path: [needs], message };
  }
  const told = (Object.keys(TYPE_BY_KEY) as Destination[]).filter((key) => key in entry);
  const [key, other] = told;
  if (key && !other) return TYPE_BY_KEY[key];
  if (key)
    return { path: [], message: `holds ${told.map(quoted).join(' and ')}. Keep the one that is meant.` };
  const message = 'needs a "url" (a server at an address), a "command" (a program) or a "module" (a file).';
  return { path: [], message };
}

function uselessKeys(entry: object, type: ServerType): EntryFault[] {
  const known = Object.keys(serverEntrySchema.shape);
  const ofTypes = new Set(Object.values(TYPES).flatMap(({ uses }) => uses));
  return Object.keys(entry).flatMap((key): EntryFault[] => {
    if (!known.includes(key)) {
      return [{ path: [key], message: `is not known and is ignored. Known are ${known.join(', ')}.` }];
    }
    return ofTypes.has(key) && !TYPES[type].uses.includes(key)
      ? [{ path: [key], message: `is not used by a server of type "${type}" and is ignored.` }]
      : [];
  });
}

/** `.url` for a plain key, `["x-y"]` for any other. */
export function keyPath(start: string, path: readonly PropertyKey[]): string {
  const parts = path.map((part) =>
    typeof part === 'number'
      ? `[${part}]`
      : /^[A-Za-z_]\w*$/.test(String(part))
        ? `.${String(part)}`
        : `[${quoted(String(part))}]`,
  );
  return start + parts.join('');
}

/** A key as it stands in the settings file, cut to a length that fits a message. */
export function quoted(key: string): string {
  const { nameLength } = CONFIG_LIMITS;
  return JSON.stringify(key.length > nameLength ? `${key.slice(0, nameLength)}…` : key);
}

function urlFault(value: string): string | undefined {
  if (value.length > CONFIG_LIMITS.urlLength) return `is longer than ${CONFIG_LIMITS.urlLength} characters.`;
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
  return HEADER_VALUE.test(value)
    ? undefined
    : 'must not hold line breaks, control characters or characters beyond Latin-1. Remove them or encode the value.';
}

function pathFault(value: string): string | undefined {
  if (value.trim() === '') return 'is empty. Write the path or the name, or leave the key out.';
  return argumentFault(value, CONFIG_LIMITS.pathLength);
}

/** No system passes a NUL to a process. */
function argumentFault(value: string, maxLength: number): string | undefined {
  if (value.length > maxLength) return `is longer than ${maxLength} characters.`;
  return value.includes('\0') ? 'must not hold a NUL character. Remove it.' : undefined;
}

type NameFaults = readonly [name: string | undefined, message: string][];

/** The faults of an object's keys as issues: each at its key, or at the object for one about all of them. */
function report(faultsOf: (names: readonly string[]) => NameFaults) {
  return (value: Readonly<Record<string, string>>, context: z.RefinementCtx): void => {
    for (const [name, message] of faultsOf(Object.keys(value))) {
      context.addIssue({ code: 'custom', message, path: name === undefined ? [] : [name] });
    }
  };
}

function headerNameFaults(names: readonly string[]): NameFaults {
  const faults: [string | undefined, string][] = [];
  if (names.length > CONFIG_LIMITS.headers) {
    faults.push([undefined, `must not hold more than ${CONFIG_LIMITS.headers} headers.`]);
  }
  const seen = new Set<string>();
  for (const name of names) {
    const lower = name.toLowerCase();
    if (!HEADER_NAME.test(name) || name.length > CONFIG_LIMITS.headerNameLength) {
      faults.push([name, 'is not a header name. Use letters, digits and hyphens, such as "Authorization".']);
    } else if (isConnectionHeader(lower)) {
      faults.push([name, 'is set by the connection itself. Remove it.']);
    } else if (seen.has(lower)) {
      faults.push([name, 'stands twice: header names are the same in upper and lower case. Remove one.']);
    }
    seen.add(lower);
  }
  return faults;
}

const noEnvName = 'is not the name of a variable: it is empty, too long, or holds "=".';

function isEnvName(name: string): boolean {
  return ENV_NAME.test(name) && name.length <= CONFIG_LIMITS.envNameLength;
}

function envNameFaults(names: readonly string[]): NameFaults {
  const faults: [string | undefined, string][] = names
    .filter((name) => !isEnvName(name))
    .map((name) => [name, noEnvName]);
  return names.length > CONFIG_LIMITS.env
    ? [[undefined, `must not hold more than ${CONFIG_LIMITS.env} variables.`], ...faults]
    : faults;
}
