import { homedir } from 'node:os';
import type { Uri } from 'vscode';
import type { TransportEdge } from '../../hub/open/open-transport.ts';

/** Folder and environment of local servers, except those of the workspace (window-lookups.ts). */
export function localProcesses(extensionUri: Uri): NonNullable<TransportEdge['processes']> {
  return {
    // Not the open folder: the user's own programs would run its content, such as `node_modules/.bin`.
    cwd: homedir(),
    env: process.env,
    serve: {
      command: process.execPath,
      args: [`${extensionUri.fsPath}/dist/cli/main.mjs`],
      // VS Code's executable on a desktop acts as Node.js only with this variable.
      env: { ELECTRON_RUN_AS_NODE: '1' },
    },
  };
}
