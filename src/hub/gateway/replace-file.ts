import { readFile, rename } from 'node:fs/promises';

/** How often it is tried. */
const ATTEMPTS = 10;

/** What Windows answers while another program has the file open. */
const HELD = new Set(['EACCES', 'EBUSY', 'EPERM']);

/**
 * Puts a file in the place of another in one step. On Windows that is refused while somebody reads the old one; reading it
 * to its end oneself takes about as long as they do, and then it is tried again, ten times in all.
 *
 * @param move for tests
 */
export async function replaceFile(from: string, to: string, move: typeof rename = rename): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await move(from, to);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!HELD.has(code) || attempt === ATTEMPTS) throw error;
      await readFile(to).catch(() => {});
    }
  }
}
