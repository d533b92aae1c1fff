import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The folders of one editor run. Nothing in them comes from the user's own editor. */
export interface Profile {
  readonly userData: string;
  readonly extensions: string;
  /** The folder that the window opens. */
  readonly workspace: string;
}

/**
 * Makes a folder that holds all temporary files of this process and of those that it starts from now on, and that is
 * deleted when this process ends. Returns its path.
 */
export function useScratchFolder(): string {
  // Not the system's own choice: the editor makes Unix sockets in here, whose paths may not be longer than about 100
  // characters, and on macOS that choice is half of it.
  const base = process.platform === 'win32' ? tmpdir() : '/tmp';
  const folder = mkdtempSync(join(base, 'rmcp-'));
  process.env.TMPDIR = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** Settings without which the workbench talks to the network, or covers what a picture should show. */
const QUIET_SETTINGS: Readonly<Record<string, unknown>> = {
  'chat.agentHost.enabled': false,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'remote.autoForwardPorts': false,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'window.commandCenter': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

/**
 * Makes fresh folders in the place for temporary files.
 *
 * @param workspaceSettings becomes `.vscode/settings.json` of the opened folder.
 * @param userSettings are the user's, beside those that keep the window quiet.
 */
export async function createProfile(
  workspaceSettings: Readonly<Record<string, unknown>> = {},
  userSettings: Readonly<Record<string, unknown>> = {},
): Promise<Profile> {
  const root = await mkdtemp(join(tmpdir(), 'run-'));
  const userData = join(root, 'user');
  const extensions = join(root, 'extensions');
  const workspace = join(root, 'workspace');
  await mkdir(extensions, { recursive: true });
  await writeSettings(join(userData, 'User'), { ...QUIET_SETTINGS, ...userSettings });
  await writeSettings(join(workspace, '.vscode'), workspaceSettings);
  return { userData, extensions, workspace };
}

async function writeSettings(folder: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'settings.json'), `${JSON.stringify(settings, undefined, 2)}\n`);
}
