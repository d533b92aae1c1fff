// The default agent of VS Code, in the real workbench. Run by test/agent-host/run.ts.
import assert from 'node:assert/strict';
import { glob, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseWindowFile, type WindowFile } from '../../src/hub/gateway/window-file.ts';
import { Stage } from '../editor/stage.ts';
import { findEditorHost } from '../editor-host/host.ts';
import { createProfile, type Profile } from '../editor-host/profile.ts';
import { findBrowser } from '../editor-host/programs.ts';
import { type EditorServer, runEditorCommand, startEditorServer } from '../editor-host/server.ts';
import { Workbench } from '../editor-host/workbench.ts';
import { oneStory } from '../support/one-story.ts';
import { FakeCopilot, MODEL, type Turn } from './fake-copilot.ts';

const ITEM = 'resilient-mcp.resilient-mcp.resilientMcp.sessions';
/** How long an answer of the agent is waited for, in ms: longer than a call waits for a window that is closed. */
const TURN_LIMIT_MS = 90_000;
/** How often it is looked at a file that the editor writes, in ms. */
const LOOK_AGAIN_MS = 100;
/** Of the server, and nobody else's to know: in the environment of the editor alone. */
const SECRET = 'planted-secret-of-the-server';
const headers = { 'X-Secret': `\${env:RMCP_PLANTED}` };

const { RESILIENT_MCP_TEST_PACKAGE: vsix = '', RESILIENT_MCP_TEST_PICTURES: pictures = '' } = process.env;

// One story: each test begins where the one before has ended.
describe("VS Code's default agent, and a server that the extension protects", () => {
  oneStory();
  const resources = new AsyncDisposableStack();
  const stage = new Stage();
  let copilot: FakeCopilot;
  let profile: Profile;
  let editor: EditorServer;
  let window: Workbench;
  let url: string;

  before(async () => {
    resources.defer(() => stage.close());
    copilot = await FakeCopilot.start();
    resources.defer(() => copilot.close());
    ({ url } = await stage.handlers.startServer({ name: 'everything' }));
    profile = await createProfile({}, agentSettings(copilot.url));
    await configure({ everything: { url, headers } });
    const host = await findEditorHost();
    await runEditorCommand(host, profile, ['--install-extension', vsix]);
    const home = join(profile.userData, 'home');
    await mkdir(home, { recursive: true });
    editor = await startEditorServer(host, { ...profile, env: agentEnvironment(copilot.url, home) });
    resources.defer(() => editor.group.stop());
    await openWindow();
  });

  after(() => resources.disposeAsync());

  it('is offered its tools, and calls one', async () => {
    const { tools } = await answered('one');
    assert.ok(tools.includes('everything-resilient-echo'), tools.join());
    await window.picture(join(pictures, 'called.png'));
  });

  it('is answered in the same session after the server was killed, and lost it', async () => {
    const before = await attached();
    await stage.handlers.killServer({ name: 'everything' });
    await stage.handlers.startServerAgain({ name: 'everything' });
    await answered('after a kill');
    assert.deepEqual(await attached(), before);
    await window.picture(join(pictures, 'healed.png'));
  });

  it('keeps its servers when one is met in another way: their definitions are as before', async () => {
    const before = await attached();
    await configure({
      everything: { url: `${url}?other`, headers: { ...headers, 'X-Team': 'two' } },
    });
    await window.statusBarItem(ITEM, /1 of 1 server connected/);
    await answered('met in another way');
    assert.deepEqual(await attached(), before);
  });

  it('is offered a server that was added meanwhile, beside the one that it had', async () => {
    const { url: second } = await stage.handlers.startServer({ name: 'second' });
    await configure({ everything: { url, headers }, second: { url: second } });
    await window.statusBarItem(ITEM, /2 of 2 servers connected/);
    await answered('with two servers');
    await answered('at the second', 'second-resilient-echo');
  });

  it('is answered over a reload of the window, in the middle of its work, by the programs that it had', async () => {
    const [before, file] = [await attached(), await windowFile()];
    const message = wish('over a reload', 'everything-resilient-echo', '[wait]');
    await window.sendInChat(message);
    await copilot.turn((turn) => turn.message.includes(message), AbortSignal.timeout(TURN_LIMIT_MS));
    await window.searchPalette('Developer: Reload Window');
    await window.press('Enter');
    await until(async () => (await windowFile())?.pid !== file?.pid, 'the window is not reloaded');
    // Now, or while there is no gateway: the call waits for it.
    copilot.release();
    assert.equal((await told(message)).output, 'Echo: over a reload');
    await window.statusBarItem(ITEM, /2 of 2 servers connected/);
    assert.deepEqual(
      (await attached()).filter((pid) => before.includes(pid)),
      before,
    );
    assert.notEqual((await windowFile())?.token, file?.token);
    await openChat();
    await answered('after a reload');
    await window.picture(join(pictures, 'reloaded.png'));
  });

  it('is told in plain words when the window is closed in the middle, and answered when it is open again', async () => {
    const message = wish('closed', 'everything-resilient-echo', '[wait]');
    await window.sendInChat(message);
    await copilot.turn((turn) => turn.message.includes(message), AbortSignal.timeout(TURN_LIMIT_MS));
    await window.close();
    await until(async () => (await windowFile()) === undefined, 'the gateway of the window is still there');
    copilot.release();
    const { output } = await told(message);
    assert.match(output ?? '', /The VS Code window of "workspace" is closed.*Open it again/s);
    await openWindow();
    await answered('open again');
  });

  it('leaves no secret in any file that others can read', async () => {
    const file = await windowFile();
    assert.ok(file);
    const found: string[] = [];
    let plugins = 0;
    for await (const path of glob('**/*', { cwd: profile.userData })) {
      const { mode, size } = await stat(join(profile.userData, path)).catch(() => ({ mode: 0, size: 0 }));
      if ((mode & 0o170000) !== 0o100000 || (mode & 0o077) === 0 || size > 50 * 1024 * 1024) continue;
      if (path.includes('agentPlugins')) plugins++;
      const text = await readFile(join(profile.userData, path), 'latin1');
      if ([SECRET, file.token, file.passingToken].some((secret) => text.includes(secret))) found.push(path);
    }
    assert.ok(plugins > 0, 'the folder of the agent was not looked at');
    assert.deepEqual(found, []);
  });

  it('is seen to be refused where it comes without a token', async () => {
    const file = await windowFile();
    const address = `http://127.0.0.1:${file?.port}/everything/mcp`;
    const init = { method: 'POST', body: '{}', headers: { 'user-agent': 'copilot-cli/1.0' } };
    assert.equal((await fetch(address, init)).status, 401);
    const { text } = await window.statusBarItem(ITEM, /agent copilot-cli was refused: no token/);
    assert.match(text, /agent refused/);
    await window.hoverStatusBarItem(ITEM);
    await window.picture(join(pictures, 'refused.png'));
  });

  async function openWindow(): Promise<void> {
    const browser = await findBrowser();
    window = await Workbench.open(browser, {
      server: editor.url,
      folder: profile.workspace,
      smokeTestDriver: true,
    });
    resources.defer(() => window.close());
    await window.statusBarItem(ITEM, /(\d) of \1 servers? connected/);
    await openChat();
  }

  async function openChat(): Promise<void> {
    await window.searchPalette('Chat: Open Chat');
    await window.press('Enter');
  }

  function wish(message: string, tool: string, more = ''): string {
    return `[call ${tool} ${JSON.stringify({ message })}]${more}`;
  }

  /** Has the agent call a tool, and yields what its model was offered and told. */
  async function answered(message: string, tool = 'everything-resilient-echo'): Promise<Turn> {
    const text = wish(message, tool);
    await window.sendInChat(text);
    const turn = await told(text);
    assert.equal(turn.output, `Echo: ${message}`);
    return turn;
  }

  function told(message: string): Promise<Turn> {
    const isIt = (turn: Turn) => turn.message.includes(message) && turn.output !== undefined;
    return copilot.turn(isIt, AbortSignal.timeout(TURN_LIMIT_MS));
  }

  /** The programs that the agent has started. */
  async function attached(): Promise<number[]> {
    return editor.group.processes(/dist\/attach\.js \S+ everything$/);
  }

  async function until(holds: () => Promise<boolean>, otherwise: string): Promise<void> {
    for (const deadline = Date.now() + TURN_LIMIT_MS; !(await holds()); ) {
      assert.ok(Date.now() < deadline, otherwise);
      await delay(LOOK_AGAIN_MS);
    }
  }

  async function windowFile(): Promise<WindowFile | undefined> {
    const cwd = join(profile.userData, 'User/globalStorage/resilient-mcp.resilient-mcp/windows');
    for await (const name of glob('*.json', { cwd })) {
      const file = parseWindowFile(await readFile(join(cwd, name), 'utf8').catch(() => ''));
      if (file) return file;
    }
    return undefined;
  }

  async function configure(servers: object): Promise<void> {
    const settings = JSON.stringify({ 'resilientMcp.servers': servers });
    await writeFile(join(profile.workspace, '.vscode/settings.json'), settings);
  }
});

/** What makes the agent the default one, and lets it go without a sign-in. */
function agentSettings(service: string): Record<string, unknown> {
  return {
    'chat.agentHost.unsafeTestToken': 'none',
    'chat.allowAnonymousAccess': true,
    'chat.defaultToCopilotHarness': true,
    'chat.editor.preferCopilotHarness': true,
    'chat.defaultModel': MODEL,
    'chat.tools.global.autoApprove': true,
    'chat.agentHost.githubMcpServer.enabled': false,
    'github.copilot.chat.githubMcpServer.enabled': false,
    'github.copilot.advanced.debug.overrideProxyUrl': service,
    'github.copilot.advanced.debug.overrideCapiUrl': service,
    'workbench.secondarySideBar.defaultVisibility': 'visible',
  };
}

/** The editor takes such an address only on loopback. */
function agentEnvironment(service: string, home: string): NodeJS.ProcessEnv {
  return {
    VSCODE_AGENT_HOST_CAPI_URL_OVERRIDE: service,
    COPILOT_API_URL: service,
    COPILOT_DEBUG_GITHUB_API_URL: service,
    GITHUB_COPILOT_API_TOKEN: 'none',
    GITHUB_PAT: 'none',
    IS_SCENARIO_AUTOMATION: '1',
    HOME: home,
    RMCP_PLANTED: SECRET,
    // A window that was closed is taken for gone at once.
    CODE_SERVER_RECONNECTION_GRACE_TIME: '1',
  };
}
