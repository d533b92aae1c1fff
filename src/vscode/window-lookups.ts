import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve, sep } from 'node:path';
import { parseEnv } from 'node:util';
import { workspace } from 'vscode';
import type { Layer } from '../fleet/layers.ts';
import type { VariableLookups } from '../fleet/variables.ts';

/** The values of placeholders in this window, on the machine where the extension runs. */
export function windowLookups(
  input: (layer: Layer, id: string) => string | undefined,
): (layer: Layer) => VariableLookups {
  return (layer) => ({
    env: (name) => process.env[name],
    input: (id) => input(layer, id),
    workspaceFolder,
    userHome: homedir(),
    pathSeparator: sep,
    envFile: variablesIn,
  });
}

/** The path of a folder; undefined for one that is on no disk of this machine. */
function workspaceFolder(name?: string): string | undefined {
  const onDisk = (workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
  const meant = name === undefined ? onDisk : onDisk.filter((folder) => folder.name === name);
  return meant.length === 1 ? meant[0]?.uri.fsPath : undefined;
}

/** The variables in a file; undefined where it can't be read. */
function variablesIn(path: string): NodeJS.Dict<string> | undefined {
  try {
    return parseEnv(readFileSync(resolve(workspaceFolder() ?? homedir(), path), 'utf8'));
  } catch {
    return undefined;
  }
}
