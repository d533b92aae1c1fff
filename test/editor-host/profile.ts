import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The folders of one editor run: nothing in them comes from the user's own editor, and nothing of them stays. */
export interface Profile {
  readonly root: string;
  readonly userData: string;
  readonly extensions: string;
  /** The folder that the window opens. */
  readonly workspace: string;
  /** Deletes all of them. */
  remove(): Promise<void>;
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
 * Makes fresh folders below the system's temporary folder.
 *
 * @param workspaceSettings becomes `.vscode/settings.json` of the opened folder.
 */
export async function createProfile(
  workspaceSettings: Readonly<Record<string, unknown>> = {},
): Promise<Profile> {
  // The editor makes Unix sockets in here, and their paths may not be longer than about 100 characters.
  const root = await mkdtemp(join(tmpdir(), 'rmcp-'));
  const profile: Profile = {
    root,
    userData: join(root, 'user'),
    extensions: join(root, 'extensions'),
    workspace: join(root, 'workspace'),
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 5 }),
  };
  await mkdir(profile.extensions, { recursive: true });
  await writeSettings(join(profile.userData, 'User'), QUIET_SETTINGS);
  await writeSettings(join(profile.workspace, '.vscode'), workspaceSettings);
  return profile;
}

async function writeSettings(folder: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'settings.json'), `${JSON.stringify(settings, undefined, 2)}\n`);
}
