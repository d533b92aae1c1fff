/**
 * Secrets that stand literally in the configuration of another client. They are put into a safe place when a server is
 * taken over, and a placeholder in theirs. Better one value too many: what is moved works as before, what is missed
 * stays readable in a settings file.
 */
import { isSecretName } from '../../base/secret-names.ts';
import type { ImportedEntry } from './found-server.ts';

/** A secret that was found, and what stands for it now. */
export interface LiteralSecret {
  /** Where it stood, in the words of the entry: `Authorization`, `GITHUB_TOKEN`, `--api-key`. */
  readonly place: string;
  readonly value: string;
  /** The id of the input that stands for it. */
  readonly id: string;
}

export interface ExtractedSecrets {
  /** The entry with `${input:id}` for each secret. */
  readonly entry: ImportedEntry;
  readonly secrets: readonly LiteralSecret[];
}

/** Values that say themselves what they are, by the prefixes of those who issue them. */
const SECRET_VALUE =
  /^(?:gh[opsur]_|github_pat_|glpat-|sk-|sk_live_|rk_live_|xox[abeoprs]-|lin_api_|ntn_|npm_|pypi-|hf_|AKIA|AIza|ya29\.|eyJ[\w-]+\.eyJ)[\w.~+/=-]{8,}$/;
/** What stands before the secret in a header. */
const SCHEME = /^(?:Bearer|Basic|Token|ApiKey)\s+/i;
/** `NAME=value`, `--name=value`. */
const ASSIGNMENT = /^(-{0,2}[A-Za-z_][\w.-]*)=(.+)$/s;
/** `Name: value`, a header as a command line takes it. */
const HEADER = /^([A-Za-z][A-Za-z0-9-]*):(?!\/\/)\s*(.+)$/s;
/** The password in a URL. */
const URL_PASSWORD = /^([a-z][\w+.-]*:\/\/[^/?#@:]*:)([^/?#@]+)(@.*)$/is;

/**
 * Replaces the secrets of an entry by placeholders. A value that holds a placeholder already is left alone.
 * @param idFor makes the id of an input for a place; called once for each secret, in the order of the entry.
 */
export function extractSecrets(entry: ImportedEntry, idFor: (place: string) => string): ExtractedSecrets {
  const secrets: LiteralSecret[] = [];
  const stash: Stash = (place, value) => {
    const id = idFor(place);
    secrets.push({ place, value, id });
    return `\${input:${id}}`;
  };
  return { entry: entry.type === 'stdio' ? ofProcess(entry, stash) : ofEndpoint(entry, stash), secrets };
}

/** Takes a secret, and gives the placeholder for it. */
type Stash = (place: string, value: string) => string;

function ofEndpoint(entry: Extract<ImportedEntry, { url: string }>, stash: Stash): ImportedEntry {
  const { headers, url } = entry;
  return { ...entry, url: inUrl(url, stash), ...(headers && { headers: inNamed(headers, stash) }) };
}

function ofProcess(entry: Extract<ImportedEntry, { command: string }>, stash: Stash): ImportedEntry {
  const { args, env } = entry;
  return {
    ...entry,
    ...(args && { args: inArguments(args, stash) }),
    ...(env && { env: inNamed(env, stash) }),
  };
}

function inNamed(values: Readonly<Record<string, string>>, stash: Stash): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, named(name, value, stash)]));
}

/** The value of a header or a variable, its secret replaced if it is or holds one. */
function named(name: string, value: string, stash: Stash): string {
  if (isOpen(value)) return value;
  const scheme = SCHEME.exec(value)?.[0] ?? '';
  const rest = value.slice(scheme.length);
  if (isSecretName(name) || SECRET_VALUE.test(rest)) return scheme + stash(name, rest);
  return password(name, value, stash);
}

function inArguments(args: readonly string[], stash: Stash): string[] {
  return args.map((arg, index) => {
    if (isOpen(arg)) return arg;
    const flag = args[index - 1] ?? '';
    // A flag before it says what it is, unless it is a flag itself.
    if (/^--?[A-Za-z]/.test(flag) && !flag.includes('=') && !arg.startsWith('-') && isSecretName(flag)) {
      return stash(flag, arg);
    }
    const [, name, value] = ASSIGNMENT.exec(arg) ?? HEADER.exec(arg) ?? [];
    if (name !== undefined && value !== undefined) {
      return arg.slice(0, arg.length - value.length) + named(name, value, stash);
    }
    return SECRET_VALUE.test(arg)
      ? stash(`argument ${index + 1}`, arg)
      : password(`argument ${index + 1}`, arg, stash);
  });
}

/** The secrets of the query. A user name and password are refused in a URL, wherever they come from. */
function inUrl(url: string, stash: Stash): string {
  const [, start = url, query, hash = ''] = /^([^?#]*)\?([^#]*)(#.*)?$/s.exec(url) ?? [];
  if (query === undefined) return url;
  const parts = query.split('&').map((part) => {
    const [, name = '', value = ''] = /^([^=]*)=(.+)$/s.exec(part) ?? [];
    return value !== '' && !isOpen(value) && (isSecretName(name) || SECRET_VALUE.test(value))
      ? `${name}=${stash(name, value)}`
      : part;
  });
  return `${start}?${parts.join('&')}${hash}`;
}

function password(place: string, value: string, stash: Stash): string {
  const [, before, secret, after] = URL_PASSWORD.exec(value) ?? [];
  return before === undefined || secret === undefined ? value : `${before}${stash(place, secret)}${after}`;
}

/** Holds a placeholder, or nothing, or what a manual says to replace. */
function isOpen(value: string): boolean {
  return value.trim() === '' || value.includes('${') || /^(?:Bearer\s+)?<[^<>]*>$/i.test(value);
}
