import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { freePort } from '../../../harness/free-port.ts';
import { everythingServer } from '../../../harness/programs.ts';
import { SupervisedServer } from '../../../harness/supervised-server.ts';
import { packExtension } from '../../editor/pack.ts';
import { type EditorHost, findEditorHost } from '../../editor-host/host.ts';
import { MissingPartError } from '../../editor-host/missing-part.ts';
import { createProfile, type Profile, useScratchFolder } from '../../editor-host/profile.ts';
import { findBrowser } from '../../editor-host/programs.ts';
import { runEditorCommand, startEditorServer } from '../../editor-host/server.ts';
import { Workbench } from '../../editor-host/workbench.ts';
import type { Comparison } from '../harness.ts';
import type { Part } from '../part.ts';

const root = join(import.meta.dirname, '../../..');
/** How long the items of both extensions may take to be there, in ms. */
const SHOWN_LIMIT_MS = 120_000;
/** Tall enough for the list of all running extensions: a row outside the window is not there. */
const LIST_SIZE = { width: 1200, height: 4000 };

/** The extensions that are compared: how the editor lists them, and what their status bar items say when they are ready. */
const EXTENSIONS = {
  empty: { title: 'Empty Extension', item: 'bench.empty-extension.ready', label: 'empty' },
  ours: {
    title: 'Resilient MCP',
    item: 'resilient-mcp.resilient-mcp.resilientMcp.sessions',
    label: '1 of 1 server connected',
  },
} as const;

type Which = keyof typeof EXTENSIONS;
type Figures = { readonly activation: number; readonly ready: number };

/** Does nothing but to show that it is there, as late as ours. */
const EMPTY = {
  'package.json': JSON.stringify({
    name: 'empty-extension',
    displayName: EXTENSIONS.empty.title,
    version: '1.0.0',
    publisher: 'bench',
    engines: { vscode: '^1.101.0' },
    main: './extension.js',
    activationEvents: ['onStartupFinished'],
    extensionKind: ['workspace'],
    files: ['extension.js'],
  }),
  'extension.js': `const { window } = require('vscode');
exports.activate = () => {
  const item = window.createStatusBarItem('ready', 1);
  item.text = 'empty';
  item.show();
};`,
  'README.md': 'An extension that does nothing.',
};

/** The start of the extension in a real editor, beside an extension that does nothing. */
export async function editorPart(): Promise<Part> {
  const resources = new AsyncDisposableStack();
  const end = { [Symbol.asyncDispose]: () => resources.disposeAsync() };
  try {
    return { comparisons: [comparison(await prepare(resources))], ...end };
  } catch (error) {
    await resources.disposeAsync();
    if (!(error instanceof MissingPartError)) throw error;
    console.log(`\nStart in the editor: NOT MEASURED. ${error.message}`);
    return { comparisons: [], ...end };
  }
}

interface Prepared {
  readonly host: EditorHost;
  readonly browser: string;
  readonly profile: Profile;
}

async function prepare(resources: AsyncDisposableStack): Promise<Prepared> {
  useScratchFolder();
  const [host, browser] = [await findEditorHost(), await findBrowser()];
  const server = await SupervisedServer.start(everythingServer(await freePort()));
  resources.defer(() => server.stop());
  const profile = await createProfile({ 'resilientMcp.servers': { everything: { url: server.url } } });
  const packed = [join(profile.userData, 'ours.vsix'), join(profile.userData, 'empty.vsix')] as const;
  await packExtension(root, packed[0]);
  await packEmpty(packed[1]);
  for (const vsix of packed) await runEditorCommand(host, profile, ['--install-extension', vsix]);
  return { host, browser, profile };
}

async function packEmpty(packagePath: string): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), 'empty-'));
  for (const [file, text] of Object.entries(EMPTY)) await writeFile(join(cwd, file), text);
  const quiet = { allowMissingRepository: true, skipLicense: true, allowStarActivation: true };
  await createVSIX({ cwd, packagePath, dependencies: false, ...quiet });
}

function comparison(prepared: Prepared): Comparison<keyof Figures> {
  // One window has both of them, whichever is asked for first: the same moment of the same machine.
  const measured: Record<Which, Figures[]> = { empty: [], ours: [] };
  const of = (which: Which) => async (): Promise<Figures> => {
    if (measured[which].length === 0) {
      const both = await openWindow(prepared);
      for (const each of ['empty', 'ours'] as const) measured[each].push(both[each]);
    }
    return measured[which].shift() ?? { activation: Number.NaN, ready: Number.NaN };
  };
  return {
    title: 'Start in the editor, both extensions in one fresh window',
    figures: [
      {
        name: 'activation',
        words: 'loading and activating, in the whole ms that the editor counts, at least 1',
        unit: 'ms',
        better: 'lower',
      },
      {
        name: 'ready',
        words: 'from the opening of the window until it is ready, ours with a server connected',
        unit: 'ms',
        better: 'lower',
      },
    ],
    contenders: [
      { name: 'an empty extension', measure: of('empty') },
      { name: 'this extension', measure: of('ours') },
    ],
  };
}

async function openWindow({ host, browser, profile }: Prepared): Promise<Record<Which, Figures>> {
  const editor = await startEditorServer(host, profile);
  try {
    const window = await Workbench.open(browser, { server: editor.url, folder: profile.workspace });
    try {
      const [emptyReady, oursReady] = await Promise.all([readyAt(window, 'empty'), readyAt(window, 'ours')]);
      const activation = await activationTimes(window);
      return {
        empty: { activation: activation.empty, ready: emptyReady },
        ours: { activation: activation.ours, ready: oursReady },
      };
    } finally {
      await window.close();
    }
  } finally {
    await editor.group.stop();
  }
}

/** When its item said that it is ready, in ms since the window began to open. */
async function readyAt({ page }: Workbench, which: Which): Promise<number> {
  const { item, label } = EXTENSIONS[which];
  const found = await page.waitForFunction(
    (sought) => {
      const element = document.getElementById(sought.item)?.querySelector('[aria-label]');
      return element?.getAttribute('aria-label')?.includes(sought.label) ? performance.now() : undefined;
    },
    { item, label },
    { timeout: SHOWN_LIMIT_MS },
  );
  const at = await found.jsonValue();
  if (at === undefined) throw new Error(`${which} is ready at no time`);
  return at;
}

/** What the editor itself has counted, from its list of running extensions. */
async function activationTimes(window: Workbench): Promise<Record<Which, number>> {
  await window.page.setViewportSize(LIST_SIZE);
  await window.searchPalette('Developer: Show Running Extensions');
  await window.press('Enter');
  const timeOf = async (which: Which) => {
    const row = window.page.locator('.runtime-extensions-editor .extension').filter({
      has: window.page.locator('.name', { hasText: EXTENSIONS[which].title }),
    });
    const text = await row.locator('.activation-time').innerText();
    const ms = /(\d+)\s*ms/.exec(text)?.[1];
    if (ms === undefined) throw new Error(`The editor says "${text}" of ${EXTENSIONS[which].title}`);
    return Math.max(1, Number(ms));
  };
  return { empty: await timeOf('empty'), ours: await timeOf('ours') };
}
