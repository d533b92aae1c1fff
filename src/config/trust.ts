/**
 * Which entries of the user's own settings have to do with the folder that is open: what stands in that folder may be
 * anybody's, and is not run before the person trusts it.
 */

/** The keys that decide what code a process runs, or with what. */
const DECIDING_KEYS = ['cwd', 'command', 'module', 'args', 'envFile', 'env'] as const;

/** Why an entry waits until the workspace is trusted: one of its keys names a folder of it, or is relative. */
export interface TrustReason {
  readonly key: (typeof DECIDING_KEYS)[number];
  readonly how: 'folder' | 'relative';
}

/** A server that is started when the workspace is trusted. */
export interface WaitingServer extends TrustReason {
  readonly name: string;
  /** The `command` or `module` as it was written. */
  readonly target: string;
}

/**
 * Why an entry, its placeholders replaced, waits; undefined for one that has nothing to do with the folders.
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

/** Whether a path to the folder, or to what is in it, stands anywhere in a text. */
function names(text: string, folder: string): boolean {
  const escaped = normalized(folder).replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  // Where case makes no difference, and where it does: an entry that waits in vain harms nobody.
  const path = new RegExp(`${escaped}(?![\\w.-])`, 'i');
  return path.test(normalized(text));
}

/** A path as it is without detours, with `/` on every platform; other text around it stays. */
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
      // A bare name is looked for in PATH.
      return /[\\/]/.test(text) && !isAbsolute(text);
    default:
      return !isAbsolute(text);
  }
}
