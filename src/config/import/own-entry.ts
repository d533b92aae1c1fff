import type { ImportedEntry } from './found-server.ts';
import { behindAttach, isOwnProgram } from './wrap/words.ts';

/**
 * Whether an entry leads back to this project: to the gateway at `origin`, or to a program of it. Taking it over would
 * put the gateway in front of itself.
 *
 * @param origin of the gateway, such as `http://127.0.0.1:4123`; undefined while there is none.
 */
export function isOwnEntry(entry: ImportedEntry, origin: string | undefined): boolean {
  if (entry.type !== 'stdio') {
    return origin !== undefined && URL.canParse(entry.url) && new URL(entry.url).origin === origin;
  }
  const { command, args = [] } = entry;
  return [command, ...args].some(isOwnProgram) || behindAttach(command, args) !== undefined;
}
