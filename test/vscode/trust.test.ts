import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import type { ResilientMcpApi } from '../../src/vscode/api.ts';
import { placeholder } from '../config/import/examples.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { windows } from './editor-double/windows.ts';

/** Writes where it was started, and waits for messages that it never answers. */
const PROGRAM = `require('fs').appendFileSync(process.env.STARTED, process.cwd() + '\\n'); process.stdin.resume();`;

describe('a folder that is not trusted', () => {
  const window = windows();
  const { activate } = window;
  let scratch: ScratchFolder;

  beforeEach(() => {
    scratch = scratchFolder();
    window.editor.isTrusted = false;
    window.editor.folder = realpathSync(scratch.path);
  });

  afterEach(() => scratch[Symbol.dispose]());

  /** A program that is started, and the file that says where. */
  function aProgram(name: string, more: object = {}) {
    const file = scratch.file(`started-${name}`);
    const entry = { command: process.execPath, args: ['-e', PROGRAM], env: { STARTED: file }, ...more };
    return { file, entry };
  }

  /** Where a server is started first, which a call brings about. */
  async function startedIn(api: ResilientMcpApi, server: string, file: string): Promise<string> {
    api.callTool(server, 'any').catch(() => {});
    // It is there before it is written.
    const [line = '', ...more] = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
    if (more.length > 0) return line;
    await new Promise((resolve) => setImmediate(resolve));
    return startedIn(api, server, file);
  }

  const names = (api: ResilientMcpApi) => api.snapshot().servers.map(({ name }) => name);
  type Row = readonly [label: unknown, context: unknown, description: unknown];

  /** The rows of the view, as soon as they are like this. */
  async function rows(areLike: (rows: readonly Row[]) => boolean): Promise<readonly Row[]> {
    for (;;) {
      const all = ((await window.editor.views.tree?.rows()) ?? []).map(
        ({ row }): Row => [row.label, row.contextValue, row.description],
      );
      if (areLike(all)) return all;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const areSome = (all: readonly Row[]) => all.some(([, context]) => context === 'waiting');

  it('has the user’s own programs started in the home folder, and those of it not before it is trusted', async () => {
    // Its variables are told to a file outside the folder, or they would name it.
    const outside = scratchFolder();
    const out = (name: string) => ({ STARTED: outside.file(name) });
    const own = { ...aProgram('own').entry, env: out('own') };
    const inFolder = { ...own, env: out('in-folder'), cwd: placeholder('workspaceFolder') };
    window.editor.userValue = { own, inFolder };
    window.editor.workspaceValue = { theirs: { ...own, env: out('theirs') } };
    const api = await activate();
    assert.deepEqual(names(api), ['own']);
    assert.equal(await startedIn(api, 'own', outside.file('own')), realpathSync(homedir()));
    assert.deepEqual((await rows(areSome)).slice(1), [
      ['inFolder', 'waiting', 'waits until this workspace is trusted: "cwd" names its folder'],
    ]);
    assert.equal(existsSync(outside.file('in-folder')), false);
    assert.equal(window.editor.notifications.length, 0);
    window.editor.grantTrust();
    assert.deepEqual(names(api), ['own', 'inFolder', 'theirs']);
    assert.equal(await startedIn(api, 'inFolder', outside.file('in-folder')), window.editor.folder);
    assert.equal(await startedIn(api, 'theirs', outside.file('theirs')), window.editor.folder);
    assert.equal((await rows((all) => !areSome(all))).length, 3);
    outside[Symbol.dispose]();
  });

  it('has no file of variables read for the user’s programs', async () => {
    mkdirSync(`${window.editor.folder}/sub`);
    writeFileSync(`${window.editor.folder}/.env`, 'NODE_OPTIONS=--require=./evil.js\n');
    window.editor.userValue = {
      relative: aProgram('relative', { envFile: '.env' }).entry,
      named: aProgram('named', { envFile: `${placeholder('workspaceFolder')}/.env` }).entry,
    };
    const api = await activate();
    assert.deepEqual(names(api), []);
    assert.ok(
      window.editor.logged.some((line) =>
        line.startsWith('serverWaitsForTrust server="relative" key=envFile'),
      ),
    );
    assert.deepEqual(
      (await rows(areSome)).map(([label, context]) => [label, context]),
      [
        ['relative', 'waiting'],
        ['named', 'waiting'],
      ],
    );
  });

  it('asks on a click on such a row whether it is to be trusted', async () => {
    window.editor.userValue = { tool: { command: './tool' } };
    await activate();
    await rows(areSome);
    const [first] = (await window.editor.views.tree?.rows()) ?? [];
    assert.equal(first?.row.command?.command, 'workbench.trust.manage');
    assert.match(String(first?.row.description), /"command" is a relative path/);
  });
});
