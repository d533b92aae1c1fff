import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { replaceFile } from './replace-file.ts';
import {
  FILE_MODE,
  FOLDER_MODE,
  isRunning,
  parseWindowFile,
  refuseForeign,
  type WindowFile,
  windowFileOf,
  windowFileText,
} from './window-file.ts';

/** Retention of unread files in the folder, in ms. */
const KEPT_MS = 30 * 24 * 60 * 60_000;

/** The place where `attach` looks for a window's gateway: a file readable by this user only. */
export class WindowPlace {
  readonly #stem: string;
  #written: { readonly path: string; readonly text: string } | undefined;

  /** @param stem the path of the file without its extension, the same for all windows of one workspace */
  constructor(stem: string) {
    this.#stem = stem;
  }

  /**
   * Publishes the gateway's address. When another window of the same workspace has the file, this one writes
   * a second beside it, and is found after the other closes.
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for another user's folder; errors of the file system
   */
  async tell(file: WindowFile): Promise<void> {
    const folder = dirname(this.#stem);
    await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
    // An existing folder may have other rights.
    await chmod(folder, FOLDER_MODE).catch(() => {});
    refuseForeign(folder);
    const text = windowFileText(file);
    const first = windowFileOf(this.#stem);
    const holder = parseWindowFile(await textOf(first));
    const isHeld = holder !== undefined && holder.pid !== file.pid && isRunning(holder.pid);
    if (!isHeld) await write(first, text);
    // Two windows opened at the same time may both have found no file.
    const path = (await textOf(first)) === text ? first : windowFileOf(this.#stem, file.pid);
    if (path !== first) await write(path, text);
    this.#written = { path, text };
  }

  /** Removes the file, unless it names another gateway. Never rejects. */
  async forget(): Promise<void> {
    const written = this.#written;
    this.#written = undefined;
    if (written && (await textOf(written.path)) === written.text) await remove(written.path);
  }

  /** Removes files of killed windows, and files unused for 30 days. Never rejects. */
  async forgetOld(now: number): Promise<void> {
    const folder = dirname(this.#stem);
    for (const name of await readdir(folder).catch((): string[] => [])) {
      const path = join(folder, name);
      const { mtimeMs = now } = (await stat(path).catch(() => undefined)) ?? {};
      const file = parseWindowFile(await textOf(path));
      const isNumbered = file !== undefined && basename(path).endsWith(`.${file.pid}.json`);
      if (now - mtimeMs > KEPT_MS || (isNumbered && !isRunning(file.pid))) await remove(path);
    }
  }
}

/** Writes in one step: a reader gets the old text or the new one. */
async function write(path: string, text: string): Promise<void> {
  const part = `${path}.${process.pid}`;
  await remove(part);
  // Created with its mode: no other user can open it before.
  await writeFile(part, text, { mode: FILE_MODE, flag: 'wx' });
  await replaceFile(part, path);
}

function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

async function remove(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => {});
}
