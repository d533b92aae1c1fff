import { type Stats, statSync } from 'node:fs';
import { ResilientMcpError } from '../../protocol/errors.ts';

/** Folder of these files, in the extension's storage. */
export const WINDOW_FOLDER = 'windows';
export const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;

/**
 * Address and credentials of an editor window's gateway, for `attach`. The file lasts as long as the gateway.
 */
export interface WindowFile {
  /** Id of the gateway's process. */
  readonly pid: number;
  readonly port: number;
  /**
   * Key of the gateway's proof. The proof comes before any token: another program may have the port by now.
   */
  readonly proofKey: string;
  readonly token: string;
  /** Token of a client started by that process, which ends with it. */
  readonly passingToken: string;
  /** The display name of the open workspace. */
  readonly workspace: string;
}

/** Version of the file format. */
const FORM = 1;

/**
 * The path of a window's file without its extension. `attach` gets the stem, since the file may have a
 * number.
 */
export function windowFileOf(stem: string, pid?: number): string {
  return pid === undefined ? `${stem}.json` : `${stem}.${pid}.json`;
}

/** Whether {@link windowFileOf} can produce this file name. Both without the folder. */
export function isWindowFile(name: string, stem: string): boolean {
  return name.startsWith(`${stem}.`) && /^\.(?:\d+\.)?json$/.test(name.slice(stem.length));
}

export function windowFileText(file: WindowFile): string {
  return `${JSON.stringify({ form: FORM, ...file })}\n`;
}

/** Parses such a file; undefined for other content. */
export function parseWindowFile(text: string): WindowFile | undefined {
  try {
    const { form, pid, port, proofKey, token, passingToken, workspace } = JSON.parse(text);
    const isOne = form === FORM && Number.isInteger(pid) && Number.isInteger(port);
    const texts = [proofKey, token, passingToken, workspace];
    if (!isOne || texts.some((each) => typeof each !== 'string')) return undefined;
    return { pid, port, proofKey, token, passingToken, workspace };
  } catch {
    return undefined;
  }
}

/**
 * Refuses a file or folder that other users can read or write: they could redirect clients. On Windows modes
 * mean nothing; the rights there are inherited from the user's profile.
 * @throws ResilientMcpError `INVALID_CONFIGURATION`
 */
export function refuseForeign(
  path: string,
  { mode, uid }: Pick<Stats, 'mode' | 'uid'> = statSync(path),
): void {
  if (process.platform === 'win32') return;
  const own = process.getuid?.();
  const isOpen = (mode & 0o077) !== 0;
  if (!isOpen && (own === undefined || uid === own)) return;
  const rights = (mode & 0o777).toString(8).padStart(4, '0');
  const because = isOpen ? `other users have rights to it (mode ${rights})` : 'it belongs to another user';
  throw new ResilientMcpError('INVALID_CONFIGURATION', `${path} is not used, since ${because}.`, {
    advice: 'Delete it, and reload the window of the editor, which makes it anew.',
  });
}

/**
 * Whether a process of this machine runs. True also for another user's process and when it cannot be
 * determined.
 */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
