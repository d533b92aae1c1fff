import type { ExtensionContext } from 'vscode';
import type { ResilientMcpApi } from './vscode/api.ts';
import type { OpenWindow } from './vscode/window.ts';

let opened: Promise<OpenWindow> | undefined;

/**
 * Nothing is loaded before this has returned: an editor that starts is not held up. What it activates the extension for
 * (a command, its servers) it does when the promise resolves.
 */
export async function activate(context: ExtensionContext): Promise<ResilientMcpApi> {
  opened = import('./vscode/window.ts').then(({ openWindow }) => openWindow(context));
  return (await opened).api;
}

/** Ends the sessions at their servers. */
export async function deactivate(): Promise<void> {
  const closing = opened;
  opened = undefined;
  await (await closing?.catch(() => undefined))?.close();
}
