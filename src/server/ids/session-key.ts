import { createHash, randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describeError, ResilientMcpError } from '../../protocol/errors.ts';
import { createPrivate, readPrivate } from './private-file.ts';

/** The environment variable that is read when no option names a key. Several keys are separated by commas. */
export const SESSION_KEY_VARIABLE = 'RESILIENT_MCP_SESSION_KEY';

/**
 * Minimum length of a key, in characters: HMAC-SHA-256 wants 32 bytes, and a character has less than a byte
 * of entropy.
 */
const MIN_KEY_LENGTH = 32;
/** Maximum size of a key file, in bytes. */
const MAX_FILE_BYTES = 64 * 1024;

export interface SessionKeyOptions {
  /**
   * The secret or secrets that sign session ids, each at least 32 characters (`openssl rand -base64 32`). The
   * first signs; all are accepted. To replace a key, add the new one in front, and remove the old one when
   * its sessions have ended. Replicas that share sessions share the key. Default: the environment variable
   * `RESILIENT_MCP_SESSION_KEY`, else the file `keyFile`.
   */
  readonly key?: string | readonly string[];
  /**
   * Path of a file that holds one or more keys, one a line. A missing file is created, readable by its owner
   * only. Default: a file in the user's state folder (`$XDG_STATE_HOME` or `~/.local/state`, on Windows
   * `%LOCALAPPDATA%`). When that default cannot be written, a key of this process alone is used, which is
   * logged: sessions then end with the process.
   */
  readonly keyFile?: string;
}

export interface SessionKeys {
  readonly keys: readonly string[];
  /** Why the keys will not outlive the process, for a log; undefined when they will. */
  readonly transientBecause?: string;
}

/**
 * @throws ResilientMcpError `INVALID_CONFIGURATION` for an invalid key, or a named file that cannot be used
 */
export function sessionKeys({ key, keyFile }: SessionKeyOptions, env = process.env): SessionKeys {
  if (key !== undefined) return { keys: checked([key].flat(), 'key') };
  const variable = env[SESSION_KEY_VARIABLE];
  if (variable !== undefined && variable.trim() !== '' && keyFile === undefined) {
    return { keys: checked(split(variable, /,/), SESSION_KEY_VARIABLE) };
  }
  if (keyFile !== undefined) return { keys: keysIn(keyFile) };
  try {
    return { keys: keysIn(defaultKeyFile(env)) };
  } catch (error) {
    return { ...passingKey(), transientBecause: describeError(error) };
  }
}

/** A key of this process alone. */
export function passingKey(): SessionKeys {
  return { keys: [newKey()] };
}

/** Default path of the key file of this user's servers. */
function defaultKeyFile(env = process.env): string {
  const onWindows = process.platform === 'win32' ? env.LOCALAPPDATA : undefined;
  const state = env.XDG_STATE_HOME || onWindows || join(homedir(), '.local', 'state');
  return join(state, 'resilient-mcp', 'session-key');
}

/** Store name of a session, from which the id cannot be recovered. */
export function digest(sessionId: string): string {
  return createHash('sha256').update(sessionId).digest('base64url').slice(0, 32);
}

function newKey(): string {
  return randomBytes(32).toString('base64url');
}

function split(text: string, by: RegExp): string[] {
  const parts = text.split(by).map((part) => part.trim());
  return parts.filter((part) => part !== '');
}

function checked(keys: readonly string[], source: string): readonly string[] {
  if (keys.length > 0 && keys.every((key) => key.length >= MIN_KEY_LENGTH)) return keys;
  throw unusable(
    `${source}: a session key must have at least ${MIN_KEY_LENGTH} characters.`,
    'Make one with: openssl rand -base64 32',
  );
}

function keysIn(file: string): readonly string[] {
  try {
    return checked(split(readPrivate(file, MAX_FILE_BYTES), /\r?\n/), file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw asUnusable(file, error);
  }
  try {
    createPrivate(file, `${file}.${process.pid}.${randomBytes(6).toString('hex')}`, `${newKey()}\n`);
    return checked(split(readPrivate(file, MAX_FILE_BYTES), /\r?\n/), file);
  } catch (error) {
    throw asUnusable(file, error);
  }
}

function unusable(message: string, advice: string): ResilientMcpError {
  return new ResilientMcpError('INVALID_CONFIGURATION', message, { advice });
}

function asUnusable(file: string, cause: unknown): unknown {
  if (cause instanceof ResilientMcpError) {
    return unusable(`The session key cannot be used: ${cause.message}`, cause.advice ?? '');
  }
  const message = `The session key file ${file} cannot be used: ${describeError(cause)}`;
  return new ResilientMcpError('INVALID_CONFIGURATION', message, { cause });
}
