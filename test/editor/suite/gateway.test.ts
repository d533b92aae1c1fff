import assert from 'node:assert/strict';
import { WINDOW_VARIABLE } from '../../editor-host/window-calls.ts';
import { wrongWith } from '../vscode-client/judge.ts';
import { nameOf, quickRows, rowOf, type ServerKey } from '../vscode-client/rows.ts';
import { startAll } from '../vscode-client/suite/clients.ts';
import { measured } from '../vscode-client/suite/measure.ts';
import { run } from '../vscode-client/suite/run.ts';
import { configure, serverReady } from './extension.ts';
import { look } from './window.ts';

describe("VS Code's own client, through the gateway of the extension", () => {
  const keys = quickRows.map((row): ServerKey => ({ row, client: 'gateway' }));

  before(async () => {
    const entries = await Promise.all(keys.map(async (key) => [nameOf(key), { url: await run('url', key) }]));
    await configure(Object.fromEntries(entries));
    for (const key of keys) await serverReady(nameOf(key), 1);
    await startAll(keys);
    for (const key of keys) await run('connected', key);
  });

  after(() => configure(undefined));

  it('finds the servers of the extension, each by its own label', () =>
    look("the editor's list of servers", async (window) => {
      await window('searchPalette', { text: 'MCP: List Servers' });
      await window('press', { key: 'Enter' });
      const lines = await window('pickerRows', { matching: '-resilient' });
      await window('picture', { name: 'servers-of-the-editor' });
      await window('press', { key: 'Escape' });
      await window('pickerClosed', null);
      const [first] = keys;
      assert.ok(first && lines.some((line) => line.startsWith(`${nameOf(first)}-resilient`)), lines.join());
    }));

  for (const key of keys) {
    it(`loses nothing, runs nothing twice and hangs on nothing when the server ${rowOf(key.row).did}`, async function () {
      // A prompt is chosen in the chat, where a person sees it.
      if (key.row === 'prompt' && process.env[WINDOW_VARIABLE] === undefined) this.skip();
      const measurement = await measured(key);
      assert.deepEqual(wrongWith(measurement), []);
      assert.deepEqual(measurement.wire.early, []);
    });
  }
});
