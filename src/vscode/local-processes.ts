import { homedir } from 'node:os';
import { type Uri, workspace } from 'vscode';
import type { TransportEdge } from '../fleet/open-transport.ts';

/** Where and as what this extension host starts local servers. */
export function localProcesses(extensionUri: Uri): NonNullable<TransportEdge['processes']> {
  const folder = workspace.workspaceFolders?.find(({ uri }) => uri.scheme === 'file');
  return {
    cwd: folder?.uri.fsPath ?? homedir(),
    env: process.env,
    serve: {
      command: process.execPath,
      args: [`${extensionUri.fsPath}/dist/cli/main.mjs`],
      // A desktop editor runs this in its own program, which is a Node.js only when it is told to be.
      env: { ELECTRON_RUN_AS_NODE: '1' },
    },
  };
}
