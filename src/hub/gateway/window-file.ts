import { type Stats, statSync } from 'node:fs';
import { ResilientMcpError } from '../../protocol/errors.ts';

/** The folder of these files, in the storage of the extension. */
export const WINDOW_FOLDER = 'windows';
export const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;

/** Where the gateway of an editor window is, and by what `attach` is let in: credentials. It lasts as long as the gateway. */
export interface WindowFile {
  /** Of the process in which the gateway is. */
  readonly pid: number;
  readonly port: number;
  /** By it the gateway proves itself before it is sent a token: its port may be another's by now. */
  readonly proofKey: string;
  readonly token: string;
  /** For a client that was started by that process, and ends with it. */
  readonly passingToken: string;
  /** What a person calls what is open in the window. */
  readonly workspace: string;
}

/** The form of the file that is written and read here. */
const FORM = 1;

/** The path of a window's file without its ending: what `attach` is told in place of the file, which may bear a number. */
export function windowFileOf(stem: string, pid?: number): string {
  return pid === undefined ? `${stem}.json` : `${stem}.${pid}.json`;
}

/** Whether a file of the same folder is one that {@link windowFileOf} names. Both without the folder. */
export function isWindowFile(name: string, stem: string): boolean {
  return name.startsWith(`${stem}.`) && /^\.(?:\d+\.)?json$/.test(name.slice(stem.length));
}

export function windowFileText(file: WindowFile): string {
  return `${JSON.stringify({ form: FORM, ...file })}\n`;
}

/** What such a file says; undefined for anything else. */
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
 * Refuses a file or a folder that anybody but this user can read or write: who can, could lead clients elsewhere. On
 * Windows modes say nothing; there the rights are those that the user's profile hands down.
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

/** Whether a process of this machine runs; also when it is another user's, or that cannot be told. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
