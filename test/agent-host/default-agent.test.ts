// The default agent of VS Code, in the real workbench. Run by test/agent-host/run.ts.
import assert from 'node:assert/strict';
import { glob, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Stage } from '../editor/stage.ts';
import { findEditorHost } from '../editor-host/host.ts';
import { createProfile, type Profile } from '../editor-host/profile.ts';
import { findBrowser } from '../editor-host/programs.ts';
import { type EditorServer, runEditorCommand, startEditorServer } from '../editor-host/server.ts';
import { Workbench } from '../editor-host/workbench.ts';
import { oneStory } from '../support/one-story.ts';
import { ChatView } from './chat-view.ts';
import { EditorFiles, type Told } from './editor-files.ts';
import { FakeCopilot, MODEL, type Turn } from './fake-copilot.ts';

const ITEM = 'resilient-mcp.resilient-mcp.resilientMcp.sessions';
/** How long an answer of the agent is waited for, in ms: longer than a call waits for a window that is closed. */
const TURN_LIMIT_MS = 300_000;
/** How many messages the editor has to tell the agent all that it finds at its start. */
const SETTLING_MESSAGES = 5;
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
  let files: EditorFiles;
  let editor: EditorServer;
  let window: Workbench;
  let chat: ChatView;
  let url: string;

  before(async () => {
    resources.defer(() => stage.close());
    copilot = await FakeCopilot.start();
    resources.defer(() => copilot.close());
    ({ url } = await stage.handlers.startServer({ name: 'everything' }));
    profile = await createProfile({}, agentSettings(copilot.url));
    files = new EditorFiles(profile.userData);
    await configure({ everything: { url, headers } });
    const host = await findEditorHost();
    await runEditorCommand(host, profile, ['--install-extension', vsix]);
    const home = join(profile.userData, 'home');
    await mkdir(home, { recursive: true });
    editor = await startEditorServer(host, { ...profile, env: agentEnvironment(copilot.url, home) });
    resources.defer(() => editor.group.stop());
    await openWindow();
  });

  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    await window.picture(join(pictures, 'failed.png')).catch(() => {});
    console.log((await files.agentLog()).join('\n'));
  });

  after(() => resources.disposeAsync());

  it('is offered its tools, and calls one', async () => {
    const { tools } = await answered('one');
    assert.ok(tools.includes('everything-resilient-echo'), tools.join());
    await window.picture(join(pictures, 'called.png'));
  });

  it('is answered in the same session after the server was killed, and lost it', async () => {
    const before = await settled();
    await stage.handlers.killServer({ name: 'everything' });
    await stage.handlers.startServerAgain({ name: 'everything' });
    await answered('after a kill');
    assert.deepEqual(await attached(), before);
    await window.picture(join(pictures, 'healed.png'));
  });

  it('keeps its servers when one is met in another way: their definitions are as before', async () => {
    const [before, definitions, sessions] = [await attached(), await synced(['everything']), await opened()];
    await configure({
      everything: { url: `${url}?other`, headers: { ...headers, 'X-Team': 'two' } },
    });
    await opened(sessions.length + 1);
    await window.statusBarItem(ITEM, /1 of 1 server connected/);
    await answered('met in another way');
    assert.deepEqual(await attached(), before);
    assert.deepEqual(await synced(['everything']), definitions);
  });

  it('is offered a server that was added meanwhile, beside the one that it had', async () => {
    const { url: second } = await stage.handlers.startServer({ name: 'second' });
    await configure({ everything: { url, headers }, second: { url: second } });
    await window.statusBarItem(ITEM, /2 of 2 servers connected/);
    await synced(['everything', 'second']);
    await answered('with two servers');
    await answered('at the second', 'second-resilient-echo');
  });

  it('is answered over a reload of the window, in the middle of its work, by the programs that it had', async () => {
    const [before, file] = [await settled(), await files.windowFile()];
    const message = wish('over a reload', 'everything-resilient-echo', '[wait]');
    await chat.send(message);
    await copilot.turn((turn) => turn.message.includes(message), AbortSignal.timeout(TURN_LIMIT_MS));
    await window.searchPalette('Developer: Reload Window');
    await window.press('Enter');
    const isReloaded = async () => ![undefined, file?.pid].includes((await files.windowFile())?.pid);
    await until(isReloaded, 'the window is not reloaded');
    // Not before: the call waits for a window as long as it does for any server, and some machines take longer.
    await window.statusBarItem(ITEM, /2 of 2 servers connected/);
    copilot.release();
    assert.equal((await told(message)).output, 'Echo: over a reload');
    await stillThere(before);
    assert.notEqual((await files.windowFile())?.token, file?.token);
    await chat.open();
    await synced(['everything', 'second']);
    await answered('after a reload');
    await window.picture(join(pictures, 'reloaded.png'));
  });

  it('is told in plain words when the window is closed in the middle, and answered when it is open again', async () => {
    const before = await settled();
    const message = wish('closed', 'everything-resilient-echo', '[wait]');
    await chat.send(message);
    await copilot.turn((turn) => turn.message.includes(message), AbortSignal.timeout(TURN_LIMIT_MS));
    await window.leave();
    await until(
      async () => (await files.windowFile()) === undefined,
      'the gateway of the window is still there',
    );
    copilot.release();
    const { output } = await told(message);
    assert.match(output ?? '', /The VS Code window of "workspace" is closed.*Open it again/s);
    await stillThere(before);
    await window.enterAgain();
    await ready(['everything', 'second']);
    await answered('open again');
    await window.picture(join(pictures, 'open-again.png'));
  });

  it('leaves no secret in any file that others can read', async () => {
    const file = await files.windowFile();
    assert.ok(file);
    assert.equal((await stat(file.path)).mode & 0o777, 0o600);
    assert.equal((await stat(dirname(file.path))).mode & 0o777, 0o700);
    const secrets = [SECRET, ...files.secrets];
    const found: string[] = [];
    let plugins = 0;
    for await (const path of glob('**/*', { cwd: profile.userData })) {
      const { mode, size } = await stat(join(profile.userData, path)).catch(() => ({ mode: 0, size: 0 }));
      if ((mode & 0o170000) !== 0o100000 || (mode & 0o077) === 0 || size > 50 * 1024 * 1024) continue;
      if (path.includes('agentPlugins')) plugins++;
      const text = await readFile(join(profile.userData, path), 'latin1');
      if (secrets.some((secret) => text.includes(secret))) found.push(path);
    }
    assert.ok(plugins > 0, 'the folder of the agent was not looked at');
    assert.deepEqual(found, []);
  });

  it('is seen to be refused where it comes without a token', async () => {
    const file = await files.windowFile();
    const address = `http://127.0.0.1:${file?.port}/everything/mcp`;
    const init = { method: 'POST', body: '{}', headers: { 'user-agent': 'copilot-cli/1.0' } };
    assert.equal((await fetch(address, init)).status, 401);
    const { text } = await window.statusBarItem(ITEM, /agent copilot-cli was refused: no token/);
    assert.match(text, /agent refused/);
    await window.hoverStatusBarItem(ITEM);
    await window.picture(join(pictures, 'refused.png'));
  });

  async function openWindow(): Promise<void> {
    window = await Workbench.open(await findBrowser(), {
      server: editor.url,
      folder: profile.workspace,
      smokeTestDriver: true,
    });
    resources.defer(() => window.close());
    chat = new ChatView(window);
    await ready(['everything']);
  }

  /** Waits until the window shows its servers, and the agent was told of them. */
  async function ready(servers: string[]): Promise<void> {
    await window.statusBarItem(ITEM, new RegExp(`${servers.length} of ${servers.length} servers? connected`));
    await chat.open();
    await synced(servers);
  }

  function wish(message: string, tool: string, more = ''): string {
    return `[call ${tool} ${JSON.stringify({ message })}]${more}`;
  }

  /** Has the agent call a tool, and yields what its model was offered and told. */
  async function answered(message: string, tool = 'everything-resilient-echo'): Promise<Turn> {
    const text = wish(message, tool);
    await chat.send(text);
    const turn = await told(text);
    assert.equal(turn.output, `Echo: ${message}`);
    return turn;
  }

  function told(message: string): Promise<Turn> {
    const isIt = (turn: Turn) => turn.message.includes(message) && turn.output !== undefined;
    return copilot.turn(isIt, AbortSignal.timeout(TURN_LIMIT_MS));
  }

  /** The programs that the agent has started for the first server. */
  async function attached(): Promise<number[]> {
    return editor.group.processes(/dist\/attach\.js \S+ everything$/);
  }

  /**
   * The same, once the agent keeps them from one message to the next. At the start of a window the editor tells the agent
   * of tools and servers as it finds them, and each such change makes the agent start all servers anew.
   */
  async function settled(): Promise<number[]> {
    let before = await attached();
    for (let n = 1; n <= SETTLING_MESSAGES; n++) {
      await answered(`settling ${n}, ${copilot.turns.length}`);
      const now = await attached();
      if (now.length > 0 && now.join() === before.join()) return now;
      before = now;
    }
    throw new Error(
      `The agent starts its servers anew at each message:\n${(await files.agentLog()).join('\n')}`,
    );
  }

  async function stillThere(before: readonly number[]): Promise<void> {
    const now = await attached();
    assert.deepEqual(
      now.filter((pid) => before.includes(pid)),
      before,
    );
  }

  /** The sessions that the first server has opened, as many at least as are waited for. */
  function opened(count = 0): Promise<string[]> {
    return stage.handlers.serverLines({ name: 'everything', matching: 'Session initialized', count });
  }

  /**
   * Waits until the agent has been told of exactly these servers, as they are in the window that is open: a message that
   * is sent before makes it start all servers anew at the next one. Yields the files in which it was told.
   */
  async function synced(servers: readonly string[]): Promise<readonly string[]> {
    let told: Told = { files: [], newest: [] };
    const isSynced = async () => {
      const stem = (await files.windowFile())?.stem;
      const wanted = JSON.stringify(servers.map((name) => [`${name}-resilient`, [stem, name]]));
      told = await files.toldToAgent();
      return told.newest.length > 0 && told.newest.every((each) => JSON.stringify(each) === wanted);
    };
    await until(isSynced, `the agent was not told of ${servers.join(' and ')}`);
    return told.files;
  }

  async function until(holds: () => Promise<boolean>, otherwise: string): Promise<void> {
    for (const deadline = Date.now() + TURN_LIMIT_MS; !(await holds()); ) {
      assert.ok(Date.now() < deadline, otherwise);
      await delay(LOOK_AGAIN_MS);
    }
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
  };
}
