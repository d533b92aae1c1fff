// The packed extension as a user gets it. Run by test/editor/run.ts, which packs it first.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { resolveCliArgsFromVSCodeExecutablePath } from '@vscode/test-electron';
import { type EditorHost, ensureEditorHost } from '../editor-host/install.ts';
import { createProfile, type Profile } from '../editor-host/profile.ts';
import { ensureBrowser } from '../editor-host/programs.ts';
import { runEditorCommand, startEditorServer } from '../editor-host/server.ts';
import { Workbench } from '../editor-host/workbench.ts';
import { Stage } from './stage.ts';

const ITEM = 'resilient-mcp.resilient-mcp.resilientMcp.sessions';
const { RESILIENT_MCP_TEST_PACKAGE, RESILIENT_MCP_TEST_PICTURES, RESILIENT_MCP_TEST_DESKTOP } = process.env;
const vsix = RESILIENT_MCP_TEST_PACKAGE ?? '';
const pictures = RESILIENT_MCP_TEST_PICTURES ?? '';

// One story: each test begins where the one before has ended.
describe('The packed extension', function () {
  this.bail(true);
  const resources = new AsyncDisposableStack();
  const stage = new Stage();
  let profile: Profile;
  let host: EditorHost;
  let window: Workbench;

  before(async () => {
    resources.defer(() => stage.close());
    const { url } = await stage.handlers.startServer({ name: 'everything' });
    profile = await createProfile({ 'resilientMcp.servers': { everything: { url } } });
  });

  after(() => resources.disposeAsync());

  it("is installed by the editor's own command line", async () => {
    if (RESILIENT_MCP_TEST_DESKTOP === undefined) host = await ensureEditorHost(console.log);
    const command = (...args: string[]): Promise<string> =>
      RESILIENT_MCP_TEST_DESKTOP === undefined
        ? runEditorCommand(host, profile, args)
        : runDesktopCommand(RESILIENT_MCP_TEST_DESKTOP, profile, args);
    await command('--install-extension', vsix);
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'));
    const installed = await command('--list-extensions', '--show-versions');
    assert.match(installed, new RegExp(`^resilient-mcp\\.resilient-mcp@${version}$`, 'm'));
  });

  it('is active in a fresh window and connected to the server of its settings', async function () {
    if (host === undefined) this.skip(); // a desktop window cannot be looked at from here
    const server = await startEditorServer(host, profile);
    resources.defer(() => server.group.stop());
    const browser = await ensureBrowser(console.log);
    window = await Workbench.open(browser, { server: server.url, folder: profile.workspace });
    resources.defer(() => window.close());
    await window.statusBarItem(ITEM, /1 of 1 server connected/);
    await window.picture(join(pictures, 'packed.png'));
  });

  it('ends its session when the window is reloaded, and opens another', async function () {
    if (window === undefined) this.skip();
    await window.searchPalette('Developer: Reload Window');
    await window.press('Enter');
    const lines = (matching: string, count: number): Promise<string[]> =>
      stage.handlers.serverLines({ name: 'everything', matching, count });
    assert.equal((await lines('Received session termination request', 1)).length, 1);
    assert.equal((await lines('Session initialized with ID', 2)).length, 2);
    await window.statusBarItem(ITEM, /1 of 1 server connected/);
  });
});

async function runDesktopCommand(executable: string, folders: Profile, args: string[]): Promise<string> {
  const [command = executable, ...before] = resolveCliArgsFromVSCodeExecutablePath(executable);
  // It adds folders of its own choice, which come first and would win.
  const own = before.filter((arg) => !/^--(user-data|extensions)-dir/.test(arg));
  const where = [`--user-data-dir=${folders.userData}`, `--extensions-dir=${folders.extensions}`];
  const { stdout } = await promisify(execFile)(command, [...own, ...where, ...args], { timeout: 60_000 });
  return stdout;
}
