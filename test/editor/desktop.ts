import { setTimeout as delay } from 'node:timers/promises';
import { downloadAndUnzipVSCode } from '@vscode/test-electron';
import { VSCODE_VERSION } from '../editor-host/pins.ts';

/** How long a download may stand still, in ms, and how long all of it may take. */
const IDLE_LIMIT_MS = 10_000;
const DOWNLOAD_LIMIT_MS = 5 * 60_000;

/** A desktop VS Code, or why there is none. */
export type Desktop = { readonly executable: string } | { readonly missing: string };

/** Finds or downloads a desktop VS Code, if this machine could show one. `RESILIENT_MCP_EDITOR=host` says not to try. */
export async function findDesktop(): Promise<Desktop> {
  if (process.env.RESILIENT_MCP_EDITOR === 'host') return { missing: 'RESILIENT_MCP_EDITOR=host' };
  const display = process.env.DISPLAY ?? process.env.WAYLAND_DISPLAY;
  if (process.platform === 'linux' && !display) return { missing: 'there is no display' };
  const patience = new AbortController();
  const late = delay(DOWNLOAD_LIMIT_MS, undefined, { signal: patience.signal }).then(() => {
    throw new Error(`the download took longer than ${DOWNLOAD_LIMIT_MS / 1000} s`);
  });
  try {
    const download = downloadAndUnzipVSCode({ version: VSCODE_VERSION, timeout: IDLE_LIMIT_MS });
    return { executable: await Promise.race([download, late]) };
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  } finally {
    patience.abort();
  }
}
