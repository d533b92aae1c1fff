import { readFile, rename } from 'node:fs/promises';

/** Limit of attempts. */
const ATTEMPTS = 10;

/** Windows error codes while another program has the file open. */
const HELD = new Set(['EACCES', 'EBUSY', 'EPERM']);

/**
 * Replaces a file in one step. Windows refuses that while another program reads the old file. Reading the
 * file here takes about as long as that reader needs; then it is tried again, ten times in all.
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
