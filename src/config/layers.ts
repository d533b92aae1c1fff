/**
 * The setting `resilientMcp.servers` is written in two places, by the user and by the workspace. What an entry is made
 * of, and whose values may go into it, is decided here.
 */
import { type TrustReason, trustReason } from './trust.ts';
import { hasVariables, resolveVariables, type VariableFault, type VariableLookups } from './variables.ts';

/** Who wrote something: the user's settings, or those of the workspace, which may come from anybody. */
export type Layer = 'user' | 'workspace';

/** One entry as it is after the workspace's was laid over the user's. */
export interface LayeredEntry {
  readonly value: unknown;
  /** Who wrote what it does: whose values its placeholders are given, and where its program starts. */
  readonly layer: Layer;
  /** Whether it took the place of an entry of the user. */
  readonly replaces: boolean;
}

/** What a workspace may switch in an entry of the user: nothing of it decides what runs, or who is given what. */
const SWITCHES: ReadonlySet<string> = new Set(['enabled', 'shared', 'endSession']);

export type RawServers = Readonly<Record<string, unknown>>;

/**
 * An entry of the workspace may switch some keys of the user's, and make `replay` stricter. With any other key it
 * replaces the user's whole: variables and headers, tokens among them, are for what the user named, run as they said.
 */
export function layered(user: RawServers, workspace: RawServers): Map<string, LayeredEntry> {
  const merged = new Map(
    Object.entries(user).map(([name, value]): [string, LayeredEntry] => [
      name,
      { value, layer: 'user', replaces: false },
    ]),
  );
  for (const [name, value] of Object.entries(workspace)) {
    const below = merged.get(name);
    const switched = below && switchedBy(below.value, value);
    const entry: LayeredEntry = { value, layer: 'workspace', replaces: below !== undefined };
    merged.set(name, switched ? { ...below, value: switched } : entry);
  }
  return merged;
}

/** The user's entry as a workspace's switches it; undefined if that holds more than switches. */
function switchedBy(user: unknown, workspace: unknown): RawServers | undefined {
  if (!isRecord(user) || !isRecord(workspace)) return undefined;
  const { replay, ...switches } = workspace;
  if (!Object.keys(switches).every((key) => SWITCHES.has(key))) return undefined;
  if (replay === undefined) return { ...user, ...switches };
  const stricter = stricterReplay(user.replay ?? {}, replay);
  return stricter && { ...user, ...switches, replay: stricter };
}

const STRICTEST_FIRST: readonly unknown[] = ['never', 'hints', 'always'];

/** The replay rules of both; undefined where those of the workspace allow more than the user's, or are none. */
function stricterReplay(user: unknown, workspace: unknown): RawServers | undefined {
  if (!isRecord(user) || !isRecord(workspace)) return undefined;
  const { default: all = 'hints', tools = {} } = user;
  const { default: theirs = all, tools: theirTools = {}, ...more } = workspace;
  if (!isRecord(tools) || !isRecord(theirTools) || Object.keys(more).length > 0) return undefined;
  const isAsStrict = (policy: unknown, than: unknown) =>
    STRICTEST_FIRST.includes(policy) && STRICTEST_FIRST.indexOf(policy) <= STRICTEST_FIRST.indexOf(than);
  const areAsStrict = Object.entries(theirTools).every(([tool, policy]) =>
    isAsStrict(policy, Object.hasOwn(tools, tool) ? tools[tool] : all),
  );
  if (!isAsStrict(theirs, all) || !areAsStrict) return undefined;
  return { default: theirs, tools: { ...tools, ...theirTools } };
}

/** A placeholder of an entry without a value, and whose value it would be. */
export type EntryVariableFault = VariableFault & { readonly layer: Layer };

/**
 * Replaces the placeholders of an entry by what its writer may use: a workspace does not get at the values that were
 * entered for the user's own servers. One that is switched off is left as it is; nobody is asked for its values.
 * @param untrusted the open folders where the workspace is not trusted: with them an entry of the user may have to wait,
 *   and no file of variables is read for it
 */
export function resolveEntry(
  { value, layer }: LayeredEntry,
  lookups: ((layer: Layer) => VariableLookups) | undefined,
  untrusted: readonly string[] | undefined,
): { value: unknown; faults: readonly EntryVariableFault[]; waits?: TrustReason } {
  if (!isRecord(value) || value.enabled === false) return { value, faults: [] };
  const own = lookups?.(layer);
  const resolved = resolveVariables(value, own);
  const faults = resolved.faults.map((fault) => ({ ...fault, layer }));
  const { envFile, ...entry } = resolved.value as RawServers;
  const whole = envFile === undefined ? entry : { ...entry, envFile };
  const waits = untrusted && trustReason(whole, untrusted);
  if (waits) return { value: whole, faults: [], waits };
  if (typeof envFile !== 'string' || faults.length > 0) return { value: whole, faults };
  const variables = own?.envFile?.(envFile);
  if (!variables) return { value, faults: [{ path: ['envFile'], message: noEnvFile, layer }] };
  return { value: withVariables(entry, variables), faults };
}

const noEnvFile = 'names a file that can’t be read. Write its full path, or its variables as "env".';

/** Those of the file below those of the entry, which win. */
function withVariables(entry: RawServers, variables: Readonly<Record<string, unknown>>): RawServers {
  const { env = {} } = entry;
  return { ...entry, env: isRecord(env) ? { ...variables, ...env } : env };
}

/** Whether an entry is switched off and holds placeholders: then nothing can be said of what it would be. */
export function isOffAndOpen(value: unknown): boolean {
  return isRecord(value) && value.enabled === false && hasVariables(value);
}

export function isRecord(value: unknown): value is RawServers {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
