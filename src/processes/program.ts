import { isSecretName } from '../base/secret-names.ts';

/** A program to start. */
export interface Program {
  /** A path, or a name that is looked up in PATH. */
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the process. */
  readonly env: Readonly<Record<string, string>>;
  /** The working folder, an absolute path. */
  readonly cwd: string;
}

/** Variables of the editor's own processes. A server that is an Electron program would act on them. */
const EDITOR_VARIABLE = /^(?:ELECTRON|VSCODE)_/i;

/** Variables of this project only, such as the gateway's token and the key that signs session ids. */
const OWN_VARIABLE = /^RESILIENT_MCP_/i;

/** The short list of `inheritEnv`: variables that most programs need and that hold no secret. */
const SHORT_LIST: readonly string[] = [
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR'],
  // Windows: most programs do not start without them.
  ...['SYSTEMROOT', 'SYSTEMDRIVE', 'WINDIR', 'COMSPEC', 'PATHEXT', 'TEMP', 'TMP', 'USERNAME', 'USERPROFILE'],
  ...['HOMEDRIVE', 'HOMEPATH', 'APPDATA', 'LOCALAPPDATA', 'PROGRAMDATA', 'PROGRAMFILES', 'PROGRAMFILES(X86)'],
  ...['NUMBER_OF_PROCESSORS', 'PROCESSOR_ARCHITECTURE'],
];

/** The variables that {@link variablesOf} omits because they are the editor's own. */
export function editorVariables(
  parent: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const own = Object.entries(parent).filter(([name]) => EDITOR_VARIABLE.test(name));
  return Object.fromEntries(own.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** The variables for other programs: all except those of this project. */
export function passedOn(
  parent: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(parent).filter(([name]) => !OWN_VARIABLE.test(name)));
}

/**
 * The environment of a process: that of its parent, without the variables of the editor and of this project, then
 * `own`.
 * @param inherited the parent's variables to pass on besides the short list; undefined: all
 */
export function variablesOf(
  parent: Readonly<Record<string, string | undefined>>,
  own: Readonly<Record<string, string>>,
  inherited?: readonly string[],
  platform = process.platform,
): Record<string, string> {
  // To Windows Path and PATH are one variable; given both, a process gets either.
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
 * The secrets given to a program, each with its replacement: its standard error is logged and may contain them.
 * Includes all of its own variables, and those of the parent with the name of a secret.
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
