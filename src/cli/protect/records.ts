/** What was changed in which file: the way back, kept for as long as it is needed. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { isSameData } from '../../base/same-data.ts';
import type { WrapRecord } from '../../config/import/wrap/place.ts';
import { isRecord } from '../../config/layers.ts';
import { replaceFile } from '../../hub/gateway/replace-file.ts';
import { readPrivate } from '../../server/ids/private-file.ts';
import { Failed } from '../command.ts';

/** The form of the file; another one is not read. */
const FORM = 1;
/** The most that is kept, in bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

export interface KeptRecord extends WrapRecord {
  /** Absolute. */
  readonly file: string;
}

/**
 * A file of this user alone: it holds the originals as they were, secrets too.
 * @param env of the process; `XDG_STATE_HOME` and `LOCALAPPDATA` say where
 */
export class Records {
  readonly #file: string;

  constructor(env: Readonly<Record<string, string | undefined>>, platform = process.platform) {
    this.#file = join(stateFolder(env, platform), 'resilient-mcp', 'protected.json');
  }

  /** @throws Failed for a file that is none of ours; ResilientMcpError for one that others can read */
  all(): KeptRecord[] {
    let text: string;
    try {
      text = readPrivate(this.#file, MAX_BYTES);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    const read = parsed(text);
    if (!read) throw new Failed(`${this.#file} is not what protect has written. Move it away.`);
    return read;
  }

  of(file: string, path: readonly string[]): KeptRecord | undefined {
    return this.all().find((each) => isOf(each, file, path));
  }

  /** Keeps records of a file; older ones of the same entries go. */
  async keep(file: string, records: readonly WrapRecord[]): Promise<void> {
    const others = this.all().filter((each) => !records.some(({ path }) => isOf(each, file, path)));
    await this.#write([...others, ...records.map((record) => ({ file, ...record }))]);
  }

  async forget(file: string, paths: readonly (readonly string[])[]): Promise<void> {
    const all = this.all();
    const left = all.filter((each) => !paths.some((path) => isOf(each, file, path)));
    if (left.length < all.length) await this.#write(left);
  }

  /** In one step, and made with its mode: nobody can open it before that is set. */
  async #write(entries: readonly KeptRecord[]): Promise<void> {
    await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
    const part = `${this.#file}.${randomBytes(6).toString('hex')}`;
    await writeFile(part, `${JSON.stringify({ form: FORM, entries })}\n`, { mode: 0o600, flag: 'wx' });
    await replaceFile(part, this.#file);
  }
}

function isOf(record: KeptRecord, file: string, path: readonly string[]): boolean {
  return record.file === file && isSameData(record.path, path);
}

function parsed(text: string): KeptRecord[] | undefined {
  try {
    const { form, entries } = JSON.parse(text);
    const isOne = form === FORM && Array.isArray(entries) && entries.every(isKept);
    return isOne ? entries : undefined;
  } catch {
    return undefined;
  }
}

function isKept(value: unknown): value is KeptRecord {
  if (!isRecord(value) || !Array.isArray(value.path)) return false;
  return [value.file, value.original, value.wrapped, ...value.path].every((each) => typeof each === 'string');
}

/** Where programs keep what is worth keeping and is no setting. */
function stateFolder(env: Readonly<Record<string, string | undefined>>, platform: string): string {
  if (platform === 'win32') return env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support');
  return env.XDG_STATE_HOME || join(homedir(), '.local', 'state');
}
