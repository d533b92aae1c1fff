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
 * Files that hold secrets. A file that others can read or create is not private, nor is one in a folder in
 * which others can replace it. Windows has no such mode bits; there the rights of the folder decide.
 */

/** Non-blocking, since reading from a pipe could wait for ever. */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * The text of a file that only its owner can read. The checks apply to the opened file, which is opened once.
 * @throws ResilientMcpError `INVALID_CONFIGURATION` when others can read it; the system's error when it is
 * missing
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
 * Creates a file, if it is missing. The content is written under another name and then linked: of several
 * processes that start at once one wins, and none can read an empty file.
 * @param draft the other name, in the same folder, unique to the caller
 */
export function createPrivate(file: string, draft: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(draft, content, { flag: 'wx', mode: 0o600 });
    // The umask can only remove rights, and a later read would fail without them.
    chmodSync(draft, 0o600);
    linkSync(draft, file);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Creates an empty file, if it is missing, for a program that opens it by name.
 * @throws ResilientMcpError `INVALID_CONFIGURATION` when it exists and others can read it
 */
export function preparePrivate(file: string): void {
  try {
    const handle = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
    fchmodSync(handle, 0o600);
    closeSync(handle);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
    // Not opened: closing it would release the locks that this process may hold on it.
    checkFile(file, statSync(file));
  }
  checkFolder(file);
}

/** Checks a file that another program creates, if it exists. */
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
  // With the sticky bit, as in /tmp, others may add files but not replace this one.
  const isSticky = (mode & 0o1000) !== 0;
  // A group with the user's own number holds the user alone on most systems.
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
