import { homedir } from 'node:os';
import type { Uri } from 'vscode';
import type { TransportEdge } from '../../hub/open/open-transport.ts';

/** Where and as what this extension host starts local servers, but for those of the workspace (window-lookups.ts). */
export function localProcesses(extensionUri: Uri): NonNullable<TransportEdge['processes']> {
  return {
    // Not the folder that is open: what stands there, `node_modules/.bin` say, would be run by the user's own programs.
    cwd: homedir(),
    env: process.env,
    serve: {
      command: process.execPath,
      args: [`${extensionUri.fsPath}/dist/cli/main.mjs`],
      // The program of a desktop editor acts as Node.js only if a variable says so.
      env: { ELECTRON_RUN_AS_NODE: '1' },
    },
  };
}
