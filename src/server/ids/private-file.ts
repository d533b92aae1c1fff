import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ResilientMcpError } from '../../protocol/errors.ts';

/**
 * Files that hold secrets. One that others can read, or put there, is none; nor is one in a folder in which others may
 * put another file in its place. Windows has no such mode bits: there the rights of the folder decide, as everywhere.
 */

/** Reading does not wait: of a pipe it would, for ever. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * The text of a file that only its owner can read. It is opened once, and what was opened is looked at.
 * @throws ResilientMcpError `INVALID_CONFIGURATION` when others can read it; the system's own error when it is not there
 */
export function readPrivate(file: string, maxBytes: number): string {
  const handle = openSync(file, READ);
  try {
    checkFile(file, fstatSync(handle));
    checkFolder(file);
    const bytes = Buffer.alloc(maxBytes + 1);
    const length = readSync(handle, bytes);
    if (length > maxBytes) throw unusable(`${file} is larger than ${maxBytes} bytes.`, 'Name another file.');
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(handle);
  }
}

/**
 * Makes a file, if it is not there. Written whole under another name and then linked: of several processes that start
 * at once one wins, and none can read a file that is still empty.
 * @param draft the other name, in the same folder, that nobody else has
 */
export function createPrivate(file: string, draft: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(draft, content, { flag: 'wx', mode: 0o600 });
    // The process's umask can only take rights away, which a later read would not survive.
    chmodSync(draft, 0o600);
    linkSync(draft, file);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Makes an empty file, if it is not there, for a program that opens it by its name.
 * @throws ResilientMcpError `INVALID_CONFIGURATION` when it is there, and others can read it
 */
export function preparePrivate(file: string): void {
  try {
    const handle = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
    fchmodSync(handle, 0o600);
    closeSync(handle);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
    // Not opened: closing it again would take the locks away that this process may hold on it.
    checkFile(file, statSync(file));
  }
  checkFolder(file);
}

/** The same for a file that another program makes, if it is there. */
export function checkPrivate(file: string): void {
  let found: Stats;
  try {
    found = lstatSync(file);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return;
    throw error;
  }
  checkFile(file, found);
}

function checkFile(file: string, found: Stats): void {
  if (!found.isFile()) throw unusable(`${file} is no file.`, 'Name another one.');
  if (process.platform === 'win32') return;
  if ((found.mode & 0o077) !== 0) {
    throw unusable(`${file} can be read by other users.`, `Make it private: chmod 600 ${file}`);
  }
  if (found.uid !== process.getuid?.()) {
    throw unusable(`${file} belongs to another user.`, 'Name a file of this user.');
  }
}

function checkFolder(file: string): void {
  if (process.platform === 'win32') return;
  const folder = dirname(resolve(file));
  const { mode, uid, gid } = statSync(folder);
  // Where files are protected by the sticky bit, as in /tmp, others may add some, and not touch this one.
  const isSticky = (mode & 0o1000) !== 0;
  // A group of the user's own number is the user alone, as most systems set it up.
  const isShared = (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== uid);
  if (isShared && !isSticky) {
    throw unusable(
      `${file} is in a folder to which other users may write.`,
      `Close the folder to them: chmod go-w ${folder}`,
    );
  }
  if (uid !== process.getuid?.() && uid !== 0) {
    throw unusable(`${file} is in a folder of another user.`, 'Name a file in a folder of this user.');
  }
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}

function unusable(message: string, advice: string): ResilientMcpError {
  return new ResilientMcpError('INVALID_CONFIGURATION', message, { advice });
}
