import { randomBytes } from 'node:crypto';
import { access, chmod, constants, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { replaceFile } from '../../hub/gateway/replace-file.ts';
import { describeError } from '../../protocol/errors.ts';
import { Failed } from '../command.ts';

/**
 * Puts a text in the place of another in one step, with the rights that the file had.
 * @throws Failed where the file holds another text by now, or cannot be written
 */
export async function writeInPlace(path: string, before: string, after: string): Promise<void> {
  const part = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const [now, { mode }] = await Promise.all([readFile(path), stat(path), access(path, constants.W_OK)]);
    if (!now.equals(Buffer.from(before))) throw new Error('it was changed meanwhile. Try again.');
    await writeFile(part, after, { mode: 0o600, flag: 'wx' });
    await chmod(part, mode & 0o7777);
    await replaceFile(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw new Failed(`${path} is left as it was: ${describeError(error)}`);
  }
}
