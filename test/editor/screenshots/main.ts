// Takes the pictures of the extension from a real VS Code, the packed extension in it and real servers around it:
//
//   npm run screenshots                            all of them, into test-results/pictures, and those of the README to media/
//   npm run screenshots -- --only timeline,ready   these scenes alone, and nothing to media/
//
// Needs what the editor tests need (test/editor-host/README.md).
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../../../harness/free-port.ts';
import { everythingServer, ledgerServer } from '../../../harness/programs.ts';
import { SupervisedServer } from '../../../harness/supervised-server.ts';
import { findEditorHost } from '../../editor-host/host.ts';
import { MissingPartError } from '../../editor-host/missing-part.ts';
import { createProfile, useScratchFolder } from '../../editor-host/profile.ts';
import { findBrowser } from '../../editor-host/programs.ts';
import { runEditorCommand, startEditorServer } from '../../editor-host/server.ts';
import { Workbench } from '../../editor-host/workbench.ts';
import { managedProgram } from '../../server/scenarios/programs.ts';
import { packExtension } from '../pack.ts';
import { whenToldToEnd } from '../run-ends.ts';
import { addUserSettings, PhotoSet } from './photo-set.ts';
import { SCENES } from './scenes.ts';

const root = join(import.meta.dirname, '../../..');
const folder = join(root, 'test-results/pictures');

/** The pictures that the README and the docs show, each with its file in media/. */
const SHOWN: Readonly<Record<string, string>> = {
  'timeline-dark': 'timeline.png',
  'status-healing-tooltip': 'status-bar.png',
  'sessions-view': 'sessions.png',
  palette: 'palette.png',
  diagnosis: 'diagnosis.png',
};

function chosenScenes(): string[] {
  const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;
  const names = only?.split(',') ?? Object.keys(SCENES);
  const unknown = names.filter((name) => !Object.hasOwn(SCENES, name));
  if (unknown.length > 0)
    throw new Error(`No such scene: ${unknown}. There are ${Object.keys(SCENES).join(', ')}.`);
  return names;
}

async function startServers(scratch: string): Promise<PhotoSet['servers']> {
  const file = join(scratch, 'ledger.txt');
  const [everything, ledger, notes] = await Promise.all([
    SupervisedServer.start(everythingServer(await freePort())),
    SupervisedServer.start(ledgerServer({ port: await freePort(), file })),
    SupervisedServer.start(managedProgram(await freePort(), { name: 'notes', adoptSessions: true })),
  ]);
  return { everything, ledger, notes };
}

/** Takes the scenes one after the other; one that fails leaves a picture of where it did. */
async function take(names: readonly string[], resources: AsyncDisposableStack): Promise<string[]> {
  const scratch = useScratchFolder();
  const [host, browser] = [await findEditorHost(), await findBrowser()];
  const servers = await startServers(scratch);
  resources.defer(async () => {
    for (const server of Object.values(servers)) await server.stop();
  });
  const profile = await createProfile();
  await addUserSettings(profile, {
    'window.autoDetectColorScheme': false,
    'workbench.colorTheme': 'Dark 2026',
  });
  const vsix = join(scratch, 'resilient-mcp.vsix');
  await packExtension(root, vsix);
  await runEditorCommand(host, profile, ['--install-extension', vsix]);
  const editor = await startEditorServer(host, profile);
  resources.defer(() => editor.group.stop());
  const window = await Workbench.open(browser, { server: editor.url, folder: profile.workspace });
  resources.defer(() => window.close());
  const set = new PhotoSet({ window, profile, servers, folder });
  const failed: string[] = [];
  for (const name of names) {
    console.log(name);
    try {
      await set.tidy();
      await set.wear('dark');
      await SCENES[name]?.(set);
    } catch (error) {
      failed.push(name);
      console.error(error instanceof Error ? error.message : error);
      await set.picture(`failed-${name}`);
      await window.press('Escape');
    }
  }
  return failed;
}

const resources = new AsyncDisposableStack();
whenToldToEnd((code) => void resources.disposeAsync().finally(() => process.exit(code)));
try {
  const names = chosenScenes();
  const isAll = names.length === Object.keys(SCENES).length;
  if (isAll) await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const failed = await take(names, resources);
  if (failed.length > 0) throw new Error(`No pictures of ${failed.join(', ')}.`);
  if (isAll) {
    for (const [name, file] of Object.entries(SHOWN)) {
      await copyFile(join(folder, `${name}.png`), join(root, 'media', file));
    }
  }
} catch (error) {
  process.exitCode = 1;
  console.error(error instanceof MissingPartError && error.cause === undefined ? error.message : error);
}
await resources.disposeAsync();
