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

/** How long what nobody looks at is kept in the folder, in ms. */
const KEPT_MS = 30 * 24 * 60 * 60_000;

/** The place at which `attach` looks for the gateway of a window: a file of this user alone. */
export class WindowPlace {
  readonly #stem: string;
  #written: { readonly path: string; readonly text: string } | undefined;

  /** @param stem the path of the file without its ending, the same for all windows of one workspace */
  constructor(stem: string) {
    this.#stem = stem;
  }

  /**
   * Tells where the gateway is, from now on. Where another window of the same workspace has the file, this one has one
   * beside it, so that it is found when the other is closed.
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for a folder that is another user's; what the file system throws
   */
  async tell(file: WindowFile): Promise<void> {
    const folder = dirname(this.#stem);
    await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
    // It may have been made with other rights, by whatever has put it there.
    await chmod(folder, FOLDER_MODE).catch(() => {});
    refuseForeign(folder);
    const text = windowFileText(file);
    const first = windowFileOf(this.#stem);
    const holder = parseWindowFile(await textOf(first));
    const isHeld = holder !== undefined && holder.pid !== file.pid && isRunning(holder.pid);
    if (!isHeld) await write(first, text);
    // Two windows that are opened at once may both have found nobody there.
    const path = (await textOf(first)) === text ? first : windowFileOf(this.#stem, file.pid);
    if (path !== first) await write(path, text);
    this.#written = { path, text };
  }

  /** The gateway has ended. A file that tells of another one is left alone. Never rejects. */
  async forget(): Promise<void> {
    const written = this.#written;
    this.#written = undefined;
    if (written && (await textOf(written.path)) === written.text) await remove(written.path);
  }

  /** Takes away what windows have left that were killed, and what nobody has looked at for 30 days. Never rejects. */
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

/** In one step: whoever reads finds the old text or the new one. */
async function write(path: string, text: string): Promise<void> {
  const part = `${path}.${process.pid}`;
  await remove(part);
  // Made with its mode: nobody can open it before that is set.
  await writeFile(part, text, { mode: FILE_MODE, flag: 'wx' });
  await replaceFile(part, path);
}

function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

async function remove(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => {});
}
