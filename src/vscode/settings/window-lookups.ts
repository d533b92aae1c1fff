import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve, sep } from 'node:path';
import { parseEnv } from 'node:util';
import { workspace } from 'vscode';
import type { Layer } from '../../config/layers.ts';
import type { VariableLookups } from '../../config/variables.ts';

/** The values of placeholders in this window, on the machine where the extension runs. */
export function windowLookups(
  input: (layer: Layer, id: string) => string | undefined,
): (layer: Layer) => VariableLookups {
  return (layer) => {
    // The folder is where its own servers are at home; those of the user are not.
    const startFolder = layer === 'workspace' ? foldersOnDisk()[0] : undefined;
    return {
      env: (name) => process.env[name],
      input: (id) => input(layer, id),
      workspaceFolder,
      userHome: homedir(),
      pathSeparator: sep,
      startFolder,
      envFile: (path) => variablesIn(resolve(startFolder ?? homedir(), path)),
    };
  };
}

/** The paths of the open folders while the workspace is not trusted; undefined when it is. */
export function untrustedFolders(): readonly string[] | undefined {
  return workspace.isTrusted ? undefined : foldersOnDisk();
}

function foldersOnDisk(): readonly string[] {
  const folders = workspace.workspaceFolders ?? [];
  return folders.filter(({ uri }) => uri.scheme === 'file').map(({ uri }) => uri.fsPath);
}

/** The path of a folder; undefined if it is not on a disk of this machine. */
function workspaceFolder(name?: string): string | undefined {
  const onDisk = (workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
  const meant = name === undefined ? onDisk : onDisk.filter((folder) => folder.name === name);
  return meant.length === 1 ? meant[0]?.uri.fsPath : undefined;
}

/** The variables in a file; undefined where it can't be read. */
function variablesIn(path: string): NodeJS.Dict<string> | undefined {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
