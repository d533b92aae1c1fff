/**
 * Placeholders in the configuration of a server, `${env:TOKEN}` and the like, spelt as VS Code spells them. They are
 * replaced when a server is about to be connected; what is written in a setting, shown or exported is the placeholder.
 *
 * | placeholder | its value |
 * | --- | --- |
 * | `${env:NAME}`, `${env:NAME:-otherwise}` | a variable of the environment; the text after `:-` if it is not set or empty |
 * | `${input:id}` | what the person entered for this id |
 * | `${workspaceFolder}`, `${workspaceFolder:name}` | the path of the folder that is open, or of the one with this name |
 * | `${workspaceFolderBasename}` | the last part of that path |
 * | `${userHome}` | the home folder |
 * | `${pathSeparator}`, `${/}` | `/`, or `\` on Windows |
 * | `$${` | the two characters `${`, for a program that is to see them |
 */

/** Sources of values, provided by the editor or the command line. */
export interface VariableLookups {
  readonly env: (name: string) => string | undefined;
  /** The value entered for an input; undefined if there is none yet. */
  readonly input: (id: string) => string | undefined;
  /** Without a name: the only open folder, or the folder of the configuration file. */
  readonly workspaceFolder: (name?: string) => string | undefined;
  readonly userHome: string | undefined;
  readonly pathSeparator: '/' | '\\';
  /** The working folder of programs; undefined: the caller's default. */
  readonly startFolder?: string | undefined;
  /** The variables in a file of `NAME=value` lines; undefined where it can't be read. Default: none is read. */
  readonly envFile?: (path: string) => Readonly<Record<string, string | undefined>> | undefined;
}

/** A placeholder without a value. */
export interface VariableFault {
  /** Its position: the keys from the outermost object on. */
  readonly path: readonly (string | number)[];
  /** The problem and its remedy, as sentences that follow the name of the key. */
  readonly message: string;
  /** The input without a value, if that is the problem. */
  readonly input?: string;
  /** The configuration is valid, but this window has no such folder. */
  readonly ofWindow?: true;
}

/** Plain data with its placeholders replaced, and a fault for each placeholder without a value. */
export interface Resolved {
  readonly value: unknown;
  readonly faults: readonly VariableFault[];
}

const PLACEHOLDER = /(\$)?\$\{([^{}]*)\}/g;

/**
 * Replaces the placeholders in every string of plain data. Keys of objects are left alone.
 * @param lookups undefined: replace nothing, so that every placeholder is a fault
 */
export function resolveVariables(value: unknown, lookups: VariableLookups | undefined): Resolved {
  const faults: VariableFault[] = [];
  const resolve = (part: unknown, path: readonly (string | number)[]): unknown => {
    if (typeof part === 'string') {
      const { text, missing } = resolveText(part, lookups);
      faults.push(...missing.map((fault) => ({ path, ...fault })));
      return text;
    }
    if (Array.isArray(part)) return part.map((item, index) => resolve(item, [...path, index]));
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(
      Object.entries(part).map(([key, item]) => [key, resolve(item, [...path, key])]),
    );
  };
  return { value: resolve(value, []), faults };
}

/** The ids of the inputs in plain data, each once. */
export function inputsIn(value: unknown): string[] {
  if (typeof value === 'object' && value !== null)
    return [...new Set(Object.values(value).flatMap(inputsIn))];
  if (typeof value !== 'string') return [];
  const found = [...value.matchAll(PLACEHOLDER)].filter(([, escaped]) => escaped === undefined);
  const names = found.map(([, , name = '']) => name).filter((name) => name.startsWith('input:'));
  return [...new Set(names.map((name) => name.slice('input:'.length)))];
}

/** Whether plain data holds a placeholder of any kind. */
export function hasVariables(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).some(hasVariables);
  return typeof value === 'string' && value.search(PLACEHOLDER) >= 0;
}

type Missing = Omit<VariableFault, 'path'>;

function resolveText(
  text: string,
  lookups: VariableLookups | undefined,
): { text: string; missing: Missing[] } {
  const missing: Missing[] = [];
  const resolved = text.replace(PLACEHOLDER, (whole: string, escaped: string | undefined, name: string) => {
    if (escaped) return whole.slice(1);
    const found = lookups ? lookUp(name, lookups) : unknown(name);
    if (typeof found === 'string') return found;
    missing.push({ ...found, message: `holds ${JSON.stringify(whole)}, ${found.message}` });
    return whole;
  });
  return { text: resolved, missing };
}

/** The value of a placeholder, or why it has none. */
function lookUp(name: string, lookups: VariableLookups): string | Missing {
  const colon = name.indexOf(':');
  const kind = colon < 0 ? name : name.slice(0, colon);
  const argument = colon < 0 ? undefined : name.slice(colon + 1);
  switch (kind) {
    case 'env':
      return environmentVariable(argument ?? '', lookups);
    case 'input':
      return lookups.input(argument ?? '') ?? noInput(argument ?? '');
    case 'workspaceFolder':
      return lookups.workspaceFolder(argument) ?? noFolder(argument);
    case 'workspaceFolderBasename': {
      const folder = lookups.workspaceFolder(argument);
      return folder === undefined ? noFolder(argument) : lastPart(folder);
    }
    case 'userHome':
      return lookups.userHome ?? { message: 'and the home folder is not known here. Write the path itself.' };
    case 'pathSeparator':
    case '/':
      return lookups.pathSeparator;
    default:
      return unknown(name);
  }
}

function environmentVariable(argument: string, { env }: VariableLookups): string | Missing {
  const mark = argument.indexOf(':-');
  const name = mark < 0 ? argument : argument.slice(0, mark);
  const value = env(name);
  // As in a shell, `:-` also replaces an empty value.
  if (mark >= 0) return value === undefined || value === '' ? argument.slice(mark + 2) : value;
  if (value !== undefined) return value;
  const otherwise = `\${env:${name}:-…}`;
  return {
    message: `and the environment has no variable ${JSON.stringify(name)}. Set it and start this program anew, or write "${otherwise}" with what to use instead.`,
  };
}

function noInput(id: string): Missing {
  return { message: 'which has no value yet. Enter one when you are asked for it.', input: id };
}

function noFolder(name: string | undefined): Missing {
  const message =
    name === undefined
      ? `and no folder is meant by that: none is open, or several are. Name one, as in "\${workspaceFolder:name}".`
      : `and no open folder has the name ${JSON.stringify(name)}.`;
  return { message, ofWindow: true };
}

function unknown(name: string): Missing {
  return /^[A-Z_][A-Z0-9_]*$/.test(name)
    ? {
        message: `which is not replaced here. For the variable of the environment write "\${env:${name}}", for the text itself "$\${${name}}".`,
      }
    : { message: 'which is not replaced here. Write the value itself.' };
}

function lastPart(path: string): string {
  return path.split(/[/\\]/).findLast((part) => part !== '') ?? path;
}
