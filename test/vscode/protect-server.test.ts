import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ExtensionContext } from 'vscode';
import { COMMANDS } from '../../src/vscode/commands/command-ids.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { extension } from './editor-double/load.ts';
import { type editor as Editor, Keeping, newEditor, Uri } from './editor-double/vscode.ts';

// What works on documents is shown in a real editor: test/editor/suite/configuration.test.ts.
describe('MCP: Protect a Server', () => {
  let editor: typeof Editor;
  let scratch: ScratchFolder;
  let subscriptions: { dispose(): unknown }[];
  let keeping: Keeping;
  const home = process.env.HOME;

  before(function () {
    // Where the home folder is not taken from HOME, those of the machine's own files would be read.
    if (process.platform === 'win32') this.skip();
  });

  beforeEach(() => {
    editor = newEditor();
    subscriptions = [];
    keeping = new Keeping();
    scratch = scratchFolder();
    process.env.HOME = scratch.file('home');
    editor.folder = scratch.file('work');
  });

  afterEach(async () => {
    await extension.deactivate();
    for (const subscription of subscriptions.reverse()) subscription.dispose();
    scratch[Symbol.dispose]();
    process.env.HOME = home;
  });

  function file(path: string, value: object): void {
    const full = join(scratch.path, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, JSON.stringify(value));
  }

  async function protect(...names: string[]): Promise<unknown> {
    const { secrets, workspaceState, globalState, extensionUri } = keeping;
    const extensionFacts = { packageJSON: { version: '1.2.3' } };
    const globalStorageUri = Uri.file(scratch.file('user/User/globalStorage/resilient-mcp.resilient-mcp'));
    const context = {
      subscriptions,
      extension: extensionFacts,
      secrets,
      workspaceState,
      globalState,
      extensionUri,
      globalStorageUri,
    };
    if (!editor.commands.has(COMMANDS.protectServer)) {
      await extension.activate(context as unknown as ExtensionContext);
    }
    editor.picks = names;
    return editor.commands.get(COMMANDS.protectServer)?.();
  }

  const url = 'http://127.0.0.1:9/mcp';

  it('lists what claude mcp add has written to ~/.claude.json: for the person, and for an open folder', async () => {
    const work = scratch.file('work');
    const other = scratch.file('other');
    const server = (name: string) => ({ [name]: { type: 'http', url: `${url}/${name}` } });
    file('home/.claude.json', {
      mcpServers: server('mine'),
      projects: { [work]: { mcpServers: server('ofWork') }, [other]: { mcpServers: server('ofOther') } },
    });
    assert.deepEqual(await protect('mine', 'ofWork', 'ofOther'), ['ofWork', 'mine']);
  });

  it('lists the servers of the workspace, of the editor’s profiles and of other clients', async () => {
    file('work/.vscode/mcp.json', { servers: { a: { url } } });
    file('work/.mcp.json', { mcpServers: { b: { type: 'http', url: `${url}/b` } } });
    file('work/.cursor/mcp.json', { mcpServers: { c: { url: `${url}/c` } } });
    file('user/User/mcp.json', { servers: { d: { url: `${url}/d` } } });
    file('user/User/profiles/3f1/mcp.json', { servers: { e: { url: `${url}/e` } } });
    file('home/.codeium/windsurf/mcp_config.json', { mcpServers: { f: { serverUrl: `${url}/f` } } });
    assert.equal(await protect(), undefined);
    assert.deepEqual(editor.picksOffered, [
      [
        'VS Code: .vscode/mcp.json',
        'a',
        'Claude Code: .mcp.json',
        'b',
        'Cursor: .cursor/mcp.json',
        'c',
        'VS Code: ../user/User/mcp.json',
        'd',
        'VS Code: ../user/User/profiles/3f1/mcp.json',
        'e',
        'Windsurf: ../home/.codeium/windsurf/mcp_config.json',
        'f',
      ],
    ]);
    assert.deepEqual([editor.userValue, editor.workspaceValue], [undefined, undefined]);
  });

  it('writes those of the workspace into its settings, and those of the person into theirs', async () => {
    file('work/.vscode/mcp.json', { servers: { a: { url, headers: { 'X-Key': 'tell-nobody' } } } });
    file('user/User/mcp.json', { servers: { A: { url: `${url}/d`, headers: { 'X-Key': 'nor-this' } } } });
    assert.deepEqual(await protect('a', 'A'), ['a', 'A-2']);
    const entry = (id: string, url: string) => ({
      type: 'http',
      url,
      headers: { 'X-Key': `\${input:${id}}` },
    });
    assert.deepEqual(editor.workspaceValue, { a: entry('a-x-key', url) });
    assert.deepEqual(editor.userValue, { 'A-2': entry('a-x-key', `${url}/d`) });
    assert.deepEqual(editor.userInputs, [{ id: 'a-x-key', description: 'X-Key (A)', password: true }]);
    assert.equal(keeping.secretTexts.get('input:user:a-x-key'), 'nor-this');
    assert.deepEqual(
      [...keeping.secretTexts]
        .filter(([key]) => key.startsWith('input:workspace:'))
        .map(([, value]) => value),
      ['tell-nobody'],
    );
    const shown = JSON.stringify([editor.notifications, editor.logged]);
    assert.ok(!shown.includes('tell-nobody') && !shown.includes('nor-this'), shown);
  });

  it('neither lists nor takes over anything of a workspace that is not trusted', async () => {
    file('work/.vscode/mcp.json', { servers: { theirs: { command: 'evil' } } });
    file('work/.cursor/mcp.json', { mcpServers: { theirs: { command: 'evil' } } });
    editor.isTrusted = false;
    assert.equal(await protect('theirs'), undefined);
    assert.deepEqual(editor.picksOffered, []);
    assert.match(editor.notifications[0]?.text ?? '', /Trust this workspace to include its servers/);
    file('user/User/mcp.json', { servers: { mine: { url } } });
    assert.deepEqual(await protect('theirs', 'mine'), ['mine']);
    assert.deepEqual(editor.workspaceValue, undefined);
  });

  it('leaves out what it can’t take over, and says in the log why', async () => {
    file('work/.vscode/mcp.json', {
      servers: {
        socket: { url: 'unix:///tmp/s' },
        walled: { command: 'a', sandboxEnabled: true },
        good: { url },
      },
    });
    file('work/.mcp.json', []);
    assert.deepEqual(await protect('socket', 'walled', 'good'), ['good']);
    const log = editor.logged.join('\n');
    assert.match(log, /serverNotUsable .*server="socket" url must be a full http/);
    assert.match(log, /configurationNotUsable .*server="walled" runs in a sandbox/);
    assert.match(log, /configurationNotUsable .*\.mcp\.json server="" The file must hold an object/);
  });

  it('takes everything out again on Undo, but for what was there before', async () => {
    file('user/User/mcp.json', { servers: { mine: { url, headers: { 'X-Key': 'tell-nobody' } } } });
    editor.userValue = { before: { url } };
    editor.press = ({ buttons }) => buttons.find((button) => button === 'Undo');
    const forgotten = new Promise<void>((resolve) => {
      keeping.secrets.onDidChange(({ key }) => {
        if (key === 'input:user:mine-x-key' && !keeping.secretTexts.has(key)) resolve();
      });
    });
    await protect('mine');
    await forgotten;
    assert.deepEqual(editor.userValue, { before: { url } });
    assert.equal(editor.userInputs, undefined);
  });

  it('writes nothing when a secret can’t be kept', async () => {
    file('user/User/mcp.json', { servers: { mine: { url, headers: { 'X-Key': 'tell-nobody' } } } });
    keeping.noSecrets = 'no keyring';
    assert.equal(await protect('mine'), undefined);
    assert.equal(editor.userValue, undefined);
    assert.match(editor.notifications.at(-1)?.text ?? '', /could not be written to the settings: no keyring/);
  });
});
