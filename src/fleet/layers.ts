/**
 * The setting `resilientMcp.servers` is written in two places, by the user and by the workspace. What an entry is made
 * of, and whose values may go into it, is decided here.
 */
import { hasVariables, resolveVariables, type VariableFault, type VariableLookups } from './variables.ts';

/** Who wrote something: the user's settings, or those of the workspace, which may come from anybody. */
export type Layer = 'user' | 'workspace';

/** One entry as it is after the workspace's was laid over the user's. */
export interface LayeredEntry {
  readonly value: unknown;
  /** The keys that the workspace wrote; undefined for an entry that is no object, or that it wrote whole. */
  readonly workspaceKeys: ReadonlySet<string>;
}

/** What says where an entry leads: the one who changes any of it has named another server. */
const DESTINATION_KEYS = ['type', 'url', 'command', 'args', 'cwd', 'module', 'inheritEnv'];

export type RawServers = Readonly<Record<string, unknown>>;

/**
 * An entry of the workspace changes single keys of the user's (`enabled`, say). One that leads elsewhere replaces it
 * whole: the user's headers and variables, tokens among them, must not go to a place that the user did not name.
 */
export function layered(user: RawServers, workspace: RawServers): Map<string, LayeredEntry> {
  const nobody = new Set<string>();
  const merged = new Map(
    Object.entries(user).map(([name, value]): [string, LayeredEntry] => [
      name,
      { value, workspaceKeys: nobody },
    ]),
  );
  for (const [name, value] of Object.entries(workspace)) {
    const below = merged.get(name)?.value;
    const workspaceKeys = new Set(isRecord(value) ? Object.keys(value) : []);
    const changes = isRecord(value) && isRecord(below) && !leadsElsewhere(value);
    merged.set(name, { value: changes ? { ...below, ...value } : value, workspaceKeys });
  }
  return merged;
}

/** A placeholder of an entry without a value, and whose value it would be. */
export type EntryVariableFault = VariableFault & { readonly layer: Layer };

/**
 * Replaces the placeholders of an entry, each by what its writer may use: a workspace does not get at the values that
 * were entered for the user's own servers. One that is switched off is left as it is; nobody is asked for its values.
 */
export function resolveEntry(
  { value, workspaceKeys }: LayeredEntry,
  lookups: ((layer: Layer) => VariableLookups) | undefined,
): { value: unknown; faults: readonly EntryVariableFault[] } {
  if (!isRecord(value) || value.enabled === false) return { value, faults: [] };
  const faults: EntryVariableFault[] = [];
  const resolved = Object.entries(value).map(([key, part]) => {
    const layer: Layer = workspaceKeys.has(key) ? 'workspace' : 'user';
    const { value, faults: missing } = resolveVariables(part, lookups?.(layer));
    faults.push(...missing.map((fault) => ({ ...fault, path: [key, ...fault.path], layer })));
    return [key, value];
  });
  const { envFile, ...entry } = Object.fromEntries(resolved);
  if (typeof envFile !== 'string' || faults.length > 0) {
    return { value: envFile === undefined ? entry : { ...entry, envFile }, faults };
  }
  const layer: Layer = workspaceKeys.has('envFile') ? 'workspace' : 'user';
  const variables = lookups?.(layer).envFile?.(envFile);
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

function leadsElsewhere(entry: RawServers): boolean {
  return DESTINATION_KEYS.some((key) => Object.hasOwn(entry, key));
}

export function isRecord(value: unknown): value is RawServers {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
