/**
 * Finds the entries of the user settings that refer to an open folder. The content of that folder may come from
 * anyone, and must not run before the user trusts it.
 */

/** The keys that determine which code a process runs, and with which input. */
const DECIDING_KEYS = ['cwd', 'command', 'module', 'args', 'envFile', 'env'] as const;

/** Why an entry waits for workspace trust: a key names a workspace folder, or is a relative path. */
export interface TrustReason {
  readonly key: (typeof DECIDING_KEYS)[number];
  readonly how: 'folder' | 'relative';
}

/** A server that starts once the workspace is trusted. */
export interface WaitingServer extends TrustReason {
  readonly name: string;
  /** The `command` or `module` as it was written. */
  readonly target: string;
}

/**
 * The reason why an entry, with its placeholders replaced, must wait; undefined if it does not refer to the folders.
 * @param folders the open folders, by absolute path
 */
export function trustReason(
  entry: Readonly<Record<string, unknown>>,
  folders: readonly string[],
): TrustReason | undefined {
  for (const key of DECIDING_KEYS) {
    const texts = textsIn(entry[key]);
    if (texts.some((text) => folders.some((folder) => names(text, folder)))) return { key, how: 'folder' };
    if (texts.some((text) => isRelative(key, text))) return { key, how: 'relative' };
  }
  return undefined;
}

function textsIn(value: unknown): string[] {
  const parts = typeof value === 'object' && value !== null ? Object.values(value) : [value];
  return parts.filter((part) => typeof part === 'string');
}

/** Whether a text contains a path of the folder or of a file in it. */
function names(text: string, folder: string): boolean {
  const escaped = normalized(folder).replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  // Ignores case on every platform: waiting without need does no harm.
  const path = new RegExp(`${escaped}(?![\\w.-])`, 'i');
  return path.test(normalized(text));
}

/** Resolves `.` and `..` in paths inside a text, with `/` as separator on every platform. */
function normalized(text: string): string {
  const parts: string[] = [];
  for (const part of text.split(/[\\/]+/)) {
    if (part === '..' && parts.length > 1) parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function isAbsolute(path: string): boolean {
  return /^(?:[a-z]:)?[\\/]/i.test(path);
}

function isRelative(key: TrustReason['key'], text: string): boolean {
  switch (key) {
    case 'env':
      return false;
    case 'args':
      return /(?:^|=)\.{1,2}(?:$|[\\/])/.test(text);
    case 'command':
      // A bare name is looked up in PATH.
      return /[\\/]/.test(text) && !isAbsolute(text);
    default:
      return !isAbsolute(text);
  }
}
