// The packed extension as a user gets it. Run by test/editor/run.ts, which packs it first.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { resolveCliArgsFromVSCodeExecutablePath } from '@vscode/test-electron';
import { type EditorHost, findEditorHost } from '../editor-host/host.ts';
import { createProfile, type Profile } from '../editor-host/profile.ts';
import { findBrowser } from '../editor-host/programs.ts';
import { type EditorServer, runEditorCommand, startEditorServer } from '../editor-host/server.ts';
import { Workbench } from '../editor-host/workbench.ts';
import { oneStory } from '../support/one-story.ts';
import { textOf } from '../support/sdk-client.ts';
import { Stage } from './stage.ts';

/** How long the processes of a window that was closed may live on, in ms, and how often it is looked. */
const END_LIMIT_MS = 60_000;
const LOOK_AGAIN_MS = 100;
const ITEM = 'resilient-mcp.resilient-mcp.resilientMcp.sessions';
const { RESILIENT_MCP_TEST_PACKAGE, RESILIENT_MCP_TEST_PICTURES, RESILIENT_MCP_TEST_DESKTOP } = process.env;
const vsix = RESILIENT_MCP_TEST_PACKAGE ?? '';
const pictures = RESILIENT_MCP_TEST_PICTURES ?? '';

// One story: each test begins where the one before has ended.
describe('The packed extension', () => {
  oneStory();
  const resources = new AsyncDisposableStack();
  const stage = new Stage();
  let profile: Profile;
  let host: EditorHost;
  let editor: EditorServer;
  let window: Workbench;
  /** An unmodified client of the gateway, outside the editor. */
  let client: Awaited<ReturnType<typeof connect>> | undefined;

  before(async () => {
    resources.defer(() => stage.close());
    const { url } = await stage.handlers.startServer({ name: 'everything' });
    profile = await createProfile({ 'resilientMcp.servers': { everything: { url } } });
  });

  after(() => resources.disposeAsync());

  it("is installed by the editor's own command line", async () => {
    if (RESILIENT_MCP_TEST_DESKTOP === undefined) host = await findEditorHost();
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
    editor = await startEditorServer(host, profile);
    resources.defer(() => editor.group.stop());
    const browser = await findBrowser();
    window = await Workbench.open(browser, { server: editor.url, folder: profile.workspace });
    resources.defer(() => window.close());
    await window.statusBarItem(ITEM, /1 of 1 server connected/);
    await window.picture(join(pictures, 'packed.png'));
  });

  it('tells another client of this machine how it meets the servers at the gateway', async function () {
    if (window === undefined) this.skip();
    await choose('MCP: Copy Gateway Configuration');
    await window.pick('Cursor');
    await window.notification(/copied .* for Cursor/);
    const { mcpServers } = JSON.parse(await window.clipboard());
    await window.dismissNotifications();
    client = await connect(mcpServers.everything);
    assert.equal(await echo('first'), 'Echo: first');
    // That of the extension has made room for it.
    await sessions({ opened: 2, ended: 1 });
  });

  it("is met by VS Code's own client, whose prompts are in the chat", async function () {
    if (window === undefined) this.skip();
    await choose('MCP: List Servers');
    await window.pick('everything-resilient');
    await window.pick('Start Server');
    await window.pickerClosed();
    await sessions({ opened: 3, ended: 1 });
    await takesPrompt('own-client-prompt');
  });

  it('goes on when the window was reloaded: other clients with the session that they had, here and at the server', async function () {
    if (window === undefined) this.skip();
    await choose('Developer: Reload Window');
    // The extension host ends in good order: the session of VS Code's client is ended.
    await goesOn({ opened: 3, ended: 2 }, 'reload');
  });

  it('goes on in the same way when the extension host was killed, without a word to any server', async function () {
    if (window === undefined) this.skip();
    const [host, ...others] = await editor.group.processes(/--type=extensionHost/);
    assert.ok(host && others.length === 0);
    process.kill(host, 'SIGKILL');
    await goesOn({ opened: 5, ended: 3 }, 'kill');
  });

  it("keeps the program of VS Code's own client when its server is met in another way", async function () {
    if (window === undefined) this.skip();
    const before = await attached();
    assert.equal(before.length, 1);
    const { url } = await stage.handlers.startServer({ name: 'everything else' });
    const settings = JSON.stringify({ 'resilientMcp.servers': { everything: { url } } });
    await writeFile(join(profile.workspace, '.vscode/settings.json'), settings);
    await stage.handlers.serverLines({ name: 'everything else', matching: 'Session initialized', count: 1 });
    await takesPrompt('own-client-after-a-change');
    assert.deepEqual(await attached(), before);
    await stage.handlers.serverLines({ name: 'everything else', matching: 'Session initialized', count: 2 });
  });

  it('ends with the window, and so does its session at the server', async function () {
    if (window === undefined) this.skip();
    await window.leave();
    // That of the extension, and that of VS Code's client; the other client has not come since.
    const matching = 'Received session termination request';
    await stage.handlers.serverLines({ name: 'everything else', matching, count: 2 });
    const deadline = Date.now() + END_LIMIT_MS;
    while ((await attached()).length > 0) {
      assert.ok(Date.now() < deadline, 'the program is still there');
      await delay(LOOK_AGAIN_MS);
    }
  });

  /** The programs that VS Code has started for the servers of the extension. */
  function attached(): Promise<number[]> {
    return editor.group.processes(/dist\/attach\.js /);
  }

  /** @param sessions what the server has told of before the new extension host began. */
  async function goesOn(
    { opened, ended }: { opened: number; ended: number },
    picture: string,
  ): Promise<void> {
    const sessionId = client?.transport.sessionId;
    await sessions({ opened: opened + 1, ended });
    await window.statusBarItem(ITEM, /1 of 1 server connected/);
    // The editor waits for the gateway to listen; the other client does not.
    await takesPrompt(`own-client-after-${picture}`);
    assert.equal(await echo(picture), `Echo: ${picture}`);
    assert.equal(client?.transport.sessionId, sessionId);
    // That of the extension has made room for VS Code's client.
    await sessions({ opened: opened + 2, ended: ended + 1 });
  }

  async function choose(command: string): Promise<void> {
    await window.searchPalette(command);
    await window.press('Enter');
  }

  /** Takes a prompt in the chat, for which VS Code's own client asks the server. */
  async function takesPrompt(picture: string): Promise<void> {
    await choose('Chat: Open Chat');
    await window.typeInChat('/mcp.everything-resilient.simple-prompt');
    assert.equal(await window.takePrompt(), 'This is a simple prompt without arguments.');
    await window.picture(join(pictures, `${picture}.png`));
  }

  /** What the server says that it did since its start: so many sessions opened, so many ended by their clients. */
  async function sessions({
    opened,
    ended,
  }: {
    readonly opened: number;
    readonly ended: number;
  }): Promise<void> {
    const lines = (matching: string, count: number): Promise<string[]> =>
      stage.handlers.serverLines({ name: 'everything', matching, count });
    const told = await Promise.all([
      lines('Session initialized with ID', opened),
      lines('Received session termination request', ended),
    ]);
    assert.deepEqual(
      told.map(({ length }) => length),
      [opened, ended],
    );
  }

  async function connect({ url, headers }: { url: string; headers: Record<string, string> }) {
    const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
    const plain = new Client({ name: 'another client', version: '1.0.0' });
    await plain.connect(transport as Parameters<Client['connect']>[0]);
    resources.defer(() => plain.close());
    return { plain, transport };
  }

  async function echo(message: string): Promise<string> {
    assert.ok(client);
    return textOf(await client.plain.callTool({ name: 'echo', arguments: { message } }));
  }
});

async function runDesktopCommand(executable: string, folders: Profile, args: string[]): Promise<string> {
  const [command = executable, ...before] = resolveCliArgsFromVSCodeExecutablePath(executable);
  // It adds folders of its own choice, which come first and would win.
  const own = before.filter((arg) => !/^--(user-data|extensions)-dir/.test(arg));
  const where = [`--user-data-dir=${folders.userData}`, `--extensions-dir=${folders.extensions}`];
  const { stdout } = await promisify(execFile)(command, [...own, ...where, ...args], { timeout: 60_000 });
  return stdout;
}
