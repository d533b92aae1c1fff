import { isSameData } from '../../base/same-data.ts';
import { CONFIG_LIMITS, readEntry } from '../server-entry.ts';
import { hasVariables, inputsIn } from '../variables.ts';
import type { FoundServer, ImportedEntry, InputDefinition } from './found-server.ts';
import { extractSecrets, type LiteralSecret } from './literal-secrets.ts';

/** What a server that is taken over must not collide with, and where it comes from. */
export interface TakeOverContext {
  /** The names that are taken in `resilientMcp.servers`, whoever wrote them. */
  readonly names: readonly string[];
  /** The inputs that the settings define where the server goes to. */
  readonly inputs: readonly InputDefinition[];
  /** The workspace folder of the file; undefined for a file of the person's. */
  readonly folder?: { readonly name: string; readonly isOnly: boolean };
}

/** One server as it goes into the settings, and what goes elsewhere. */
export interface TakenOver {
  /** The key in `resilientMcp.servers`. */
  readonly name: string;
  readonly entry: ImportedEntry;
  /** Definitions to add to `resilientMcp.inputs`. */
  readonly inputs: readonly InputDefinition[];
  /** Values for the secret storage, by the id of their input. */
  readonly secrets: readonly LiteralSecret[];
}

/** Makes of a server that was found what is to be written: a name of its own, its secrets and its folder apart. */
export function takeOver(
  server: FoundServer,
  fileInputs: readonly InputDefinition[],
  context: TakeOverContext,
): TakenOver {
  const name = distinctName(server.name, context.names);
  const renamed = withInputs(server.entry, fileInputs, context.inputs);
  const taken = [...context.inputs, ...renamed.inputs].map(({ id }) => id);
  const { entry, secrets } = extractSecrets(renamed.entry, (place) => {
    const id = distinct(slug(`${server.name}-${place}`), taken);
    taken.push(id);
    return id;
  });
  const definitions = secrets.map(({ id, place }) => ({
    id,
    description: `${place} (${server.name})`,
    password: true,
  }));
  return {
    name,
    entry: inFolder(entry, context.folder),
    inputs: [...renamed.inputs, ...definitions],
    secrets,
  };
}

/** Why a server can't be taken over, as a sentence that follows its name; undefined if it can. */
export function unusable({ name, entry }: FoundServer): string | undefined {
  if (name.trim() === '') return 'has no name.';
  const read = readEntry(entry);
  const faults = 'faults' in read ? read.faults : [];
  // What a placeholder makes of a value is not known yet.
  const certain = faults.find(
    ({ path: [key] }) => !hasVariables((entry as Record<PropertyKey, unknown>)[key ?? '']),
  );
  return certain && `${certain.path.map(String).join('.')} ${certain.message}`.trim();
}

function distinctName(name: string, taken: readonly string[]): string {
  const plain = name.replace(/\p{C}/gu, '').trim();
  const room = CONFIG_LIMITS.nameLength - '-99'.length;
  return distinct([...plain].slice(0, room).join(''), taken);
}

/** `name`, `name-2`, `name-3` …: the first that is not taken, upper and lower case aside. */
function distinct(name: string, taken: readonly string[]): string {
  const lower = new Set(taken.map((other) => other.toLowerCase()));
  let candidate = name;
  for (let n = 2; lower.has(candidate.toLowerCase()); n++) candidate = `${name}-${n}`;
  return candidate;
}

/** Letters, digits and hyphens, for an id that stands in a placeholder. */
function slug(text: string): string {
  const plain = text.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();
  return plain.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-+|-+$/g, '') || 'secret';
}

/** The inputs that an entry asks for, under other ids where the settings use an id for something else. */
function withInputs(
  entry: ImportedEntry,
  fileInputs: readonly InputDefinition[],
  present: readonly InputDefinition[],
): { entry: ImportedEntry; inputs: InputDefinition[] } {
  const inputs: InputDefinition[] = [];
  const ids = new Map<string, string>();
  for (const id of inputsIn(entry)) {
    const definition = fileInputs.find((input) => input.id === id) ?? { id };
    const same = present.find((input) => isSame(input, definition));
    const ownId = same
      ? id
      : distinct(
          id,
          [...present, ...inputs].map((input) => input.id),
        );
    if (!same) inputs.push({ ...definition, id: ownId });
    ids.set(id, ownId);
  }
  const renamed = eachText(entry, (text) =>
    text.replace(/\$\{input:([^{}]*)\}/g, (whole, id: string) => `\${input:${ids.get(id) ?? whole}}`),
  );
  return { entry: renamed, inputs };
}

function isSame(one: InputDefinition, other: InputDefinition): boolean {
  const said = ({ id, description, password = false, options }: InputDefinition) => [
    id,
    description,
    password,
    options,
  ];
  return isSameData(said(one), said(other));
}

/**
 * Ties a server of a workspace file to its folder: where several are open, the folder is named, and a process starts in
 * it, as its client starts it.
 */
function inFolder(entry: ImportedEntry, folder: TakeOverContext['folder']): ImportedEntry {
  if (!folder) return entry;
  const argument = folder.isOnly ? '' : `:${folder.name}`;
  const tied = eachText(entry, (text) =>
    text.replace(
      /\$\{(workspaceFolder|workspaceFolderBasename)\}/g,
      (_, name: string) => `\${${name}${argument}}`,
    ),
  );
  return tied.type === 'stdio' ? { cwd: `\${workspaceFolder${argument}}`, ...tied } : tied;
}

/** Every string of an entry but its type, changed. */
function eachText(entry: ImportedEntry, change: (text: string) => string): ImportedEntry {
  const each = (value: unknown): unknown => {
    if (typeof value === 'string') return change(value);
    if (Array.isArray(value)) return value.map(each);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, each(part)]));
  };
  return each(entry) as ImportedEntry;
}
