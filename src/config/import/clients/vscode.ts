import type { ConfigFormat } from '../config-format.ts';
import { pathOn } from '../machine.ts';
import { asWritten } from '../placeholders.ts';
import { sseByPath } from '../transport-type.ts';

/** VS Code's `mcp.json`: of a workspace folder, of the user's profile, of a remote machine. */
export const vscodeFormat: ConfigFormat = {
  id: 'vscode',
  title: 'VS Code',
  serversKey: 'servers',
  hasInputs: true,
  urlKeys: ['url'],
  httpType: 'http',
  typeOfUrl: sseByPath,
  // What is switched off in the editor is kept in its own storage, not in the file.
  isDisabled: () => false,
  // It has no key for that, and takes comments.
  disabling: { how: 'comment' },
  workspaceFile: ['.vscode', 'mcp.json'],
  userFiles: (machine) => machine.editorFolders.map((folder) => pathOn(machine, folder, 'mcp.json')),
  respell: asWritten,
};
