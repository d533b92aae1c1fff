import { isSecretName } from '../base/secret-names.ts';

/** What is to be started. */
export interface Program {
  /** By path, or by a name that is looked for in PATH. */
  readonly command: string;
  readonly args: readonly string[];
  /** All variables that the process gets. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder in which it starts, absolute. */
  readonly cwd: string;
}

/** What an editor tells its own processes by; a server that is an Electron program itself would obey it. */
const EDITOR_VARIABLE = /^(?:ELECTRON|VSCODE)_/i;

/** What is for the programs of this project alone: the token of a gateway, the key that signs session ids. */
const OWN_VARIABLE = /^RESILIENT_MCP_/i;

/** What a program can hardly do without, and holds no secret: the short list, in place of the whole environment. */
const SHORT_LIST: readonly string[] = [
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR'],
  // Of Windows, where hardly a program starts without them.
  ...['SYSTEMROOT', 'SYSTEMDRIVE', 'WINDIR', 'COMSPEC', 'PATHEXT', 'TEMP', 'TMP', 'USERNAME', 'USERPROFILE'],
  ...['HOMEDRIVE', 'HOMEPATH', 'APPDATA', 'LOCALAPPDATA', 'PROGRAMDATA', 'PROGRAMFILES', 'PROGRAMFILES(X86)'],
  ...['NUMBER_OF_PROCESSORS', 'PROCESSOR_ARCHITECTURE'],
];

/** Those of a process's variables that {@link variablesOf} leaves out as an editor's own. */
export function editorVariables(
  parent: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const own = Object.entries(parent).filter(([name]) => EDITOR_VARIABLE.test(name));
  return Object.fromEntries(own.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** What is passed on to the programs of others: all but what is this project's own. */
export function passedOn(
  parent: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(parent).filter(([name]) => !OWN_VARIABLE.test(name)));
}

/**
 * The variables of a process: those of its parent, without the editor's and this project's, and its own over them.
 * @param inherited the names of those that it gets of its parent's beside the short list; undefined: all
 */
export function variablesOf(
  parent: Readonly<Record<string, string | undefined>>,
  own: Readonly<Record<string, string>>,
  inherited?: readonly string[],
  platform = process.platform,
): Record<string, string> {
  // Windows takes Path and PATH for one variable, and a process that is given both gets either.
  const fold = (name: string) => (platform === 'win32' ? name.toUpperCase() : name);
  const replaced = new Set(Object.keys(own).map(fold));
  const wanted = inherited && new Set([...SHORT_LIST, ...inherited].map(fold));
  const given = Object.entries(passedOn(parent)).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined &&
      !EDITOR_VARIABLE.test(entry[0]) &&
      !replaced.has(fold(entry[0])) &&
      (wanted?.has(fold(entry[0])) ?? true),
  );
  return { ...Object.fromEntries(given), ...own };
}

/**
 * The secrets that a program was started with, and what may be shown in their place: it may write them to its standard
 * error, and that is logged. All of its own variables count; of the parent's, those that are named like a secret.
 */
export function secretsOfProgram(
  { args, env }: Pick<Program, 'args' | 'env'>,
  own: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const named = Object.entries(env).filter(([name]) => isSecretName(name));
  const values = [...named, ...Object.entries(own)].map(([, value]) => value);
  return new Map([...values, ...args.flatMap(secretsIn)].map((secret) => [secret, '***']));
}

/** `--token x`, `--api-key=x`, `Authorization: Bearer x`, `https://host/?key=x`. */
function secretsIn(argument: string, index: number, args: readonly string[]): string[] {
  const name = args[index - 1] ?? '';
  const isNamed = name.startsWith('-') && !/[=:]/.test(name) && isSecretName(name);
  const values = [...argument.matchAll(/([\w.-]+)\s*[=:]\s*/g)].flatMap(
    ({ 0: { length }, 1: key = '', index: at }) =>
      isSecretName(key) ? (argument.slice(at + length).split('&', 1)[0] ?? '').split(/\s+/) : [],
  );
  return isNamed ? [argument, ...values] : values;
}
