import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { oneStory } from '../../support/one-story.ts';
import { invokeTool, startServers, toolName } from './built-in-client.ts';
import { configure, serverBecomes, serverReady } from './extension.ts';
import { stage } from './stage.ts';
import { look, lookAtStatusBar, lookAtTooltip } from './window.ts';

const OPENED = '"event":"sessionOpened"';

/** A server under the session manager, as a process, that the editor's own client calls. */
class CalledServer {
  readonly name: string;
  pid = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Starts it, and gives its address. */
  async start(options: { readonly forgetful: boolean }): Promise<string> {
    return (await stage('startManagedServer', { name: this.name, ...options })).url;
  }

  async killAndStartAgain(): Promise<void> {
    await stage('killServer', { name: this.name });
    ({ pid: this.pid } = await stage('startServerAgain', { name: this.name }));
  }

  /** The answer of a tool, which is JSON. */
  async call(tool: string, input: object = {}): Promise<unknown> {
    return JSON.parse(await invokeTool(toolName(this.name, tool), input));
  }

  /** Three calls at once, and one in which the server asks the client something that needs no person. */
  async answersAll(round: number): Promise<void> {
    const keys = [1, 2, 3].map((n) => `${round}.${n}`);
    const answers = await Promise.all(keys.map((key) => this.call('run', { key })));
    assert.deepEqual(answers, [this.pid, this.pid, this.pid]);
    assert.deepEqual(await this.call('roots'), [this.pid, [root()]]);
    await this.#onlyRan(keys);
  }

  /** The server asks, a notification offers to respond, and what is typed then is the server's answer. */
  async asksPerson(message: string): Promise<void> {
    await look(`the server's question, ${message}`, async (window) => {
      const asked = this.call('ask', { message });
      await window('clickInNotification', { text: message, button: 'Respond' });
      await window('typeInPicker', { text: 'fine' });
      await window('pickerRows', { matching: 'fine' });
      await window('picture', { name: `question-${message}` });
      await window('press', { key: 'Enter' });
      const [, action, answer] = (await asked) as unknown[];
      assert.deepEqual([action, answer], ['accept', 'fine']);
    });
  }

  /** Why the present process opened its sessions, once there are so many; `new`: somebody has sent an `initialize`. */
  async openings(count: number): Promise<string[]> {
    const lines = await stage('serverLines', { name: this.name, matching: OPENED, count });
    return lines.map((line) => (JSON.parse(line) as { reason: string }).reason);
  }

  /** That the present process ran these calls, each once, and no other. */
  async #onlyRan(keys: readonly string[]): Promise<void> {
    // Its line comes after those of all others, also of one that had been sent twice.
    await this.call('run', { key: 'the last' });
    const matching = (pattern: string, count: number) =>
      stage('serverLines', { name: this.name, matching: pattern, count });
    await matching('^ran the last$', 1);
    const lines = await matching('^ran ', keys.length + 1);
    assert.deepEqual(lines.toSorted(), [...keys, 'the last'].map((key) => `ran ${key}`).toSorted());
  }
}

// One story: each test begins where the one before has ended.
describe("VS Code's own client, and a server under the session manager that is killed again and again", () => {
  oneStory();
  const RESTARTS = 20;
  const server = new CalledServer('managed');
  const configuration = vscode.Uri.joinPath(workspaceFolder(), '.vscode/mcp.json');
  let client: unknown;

  before(async () => {
    const url = await server.start({ forgetful: false });
    const servers = { [server.name]: { type: 'http', url } };
    await vscode.workspace.fs.writeFile(configuration, new TextEncoder().encode(JSON.stringify({ servers })));
    await startServers([toolName(server.name, 'run')]);
  });

  after(() => vscode.workspace.fs.delete(configuration));

  it('is in a session, and tells what it can do', async () => {
    client = await server.call('client');
    assert.match(JSON.stringify(client), /"elicitation":.*"roots":|"roots":.*"elicitation":/);
    assert.deepEqual(await server.openings(1), ['new']);
  });

  it('hands a question of the server to a person', () => server.asksPerson('before the first kill'));

  it(`calls, ${RESTARTS} times after another kill, without a failure, and each call runs once`, async () => {
    for (let restart = 1; restart <= RESTARTS; restart++) {
      await server.killAndStartAgain();
      await server.answersAll(restart);
      assert.deepEqual(await server.call('client'), client);
      assert.deepEqual(await server.openings(1), ['adopted']);
    }
  });

  it('still hands a question of the server to a person', () => server.asksPerson('after the last kill'));

  it('took part in a single session for all of it', async () => {
    assert.deepEqual(await server.openings(1), ['adopted']);
  });
});

// One story: each test begins where the one before has ended.
describe("VS Code's own client through the gateway, and a server that is killed and forgets its sessions", () => {
  oneStory();
  const RESTARTS = 3;
  const server = new CalledServer('forgetful');
  let client: unknown;

  before(async () => {
    await configure({ [server.name]: { url: await server.start({ forgetful: true }) } });
    await serverReady(server.name, 1);
    await startServers([toolName(server.name, 'run')]);
  });

  after(() => configure(undefined));

  it('is in a session of its own, as the client that it is', async () => {
    client = await server.call('client');
    assert.match(JSON.stringify(client), /"elicitation":.*"roots":|"roots":.*"elicitation":/);
    assert.deepEqual(await server.openings(2), ['new', 'new']);
    await lookAtTooltip('tooltip-with-client', ([row]) => {
      assert.deepEqual([row?.Server, row?.State], [server.name, 'connected']);
    });
    await serverBecomes(server.name, 'met by one client', ({ clients }) => clients.length === 1);
  });

  it(`calls, ${RESTARTS} times after another kill, without a failure, and each call runs once`, async () => {
    for (let restart = 1; restart <= RESTARTS; restart++) {
      await server.killAndStartAgain();
      await server.answersAll(restart);
      assert.deepEqual(await server.call('client'), client);
      // The client's. The extension has no connection of its own while there is one.
      assert.deepEqual(await server.openings(1), ['new']);
    }
  });

  it('hands a question of the last process to a person', () => server.asksPerson('through the gateway'));
});

// One story: each test begins where the one before has ended.
describe("VS Code's own client through the gateway, and a local server on standard input and output", () => {
  oneStory();
  const SERVER = 'local';
  let ledger: string;
  const started = async () => {
    const lines = await stage('ledgerLines', { ledger });
    return lines.filter((line) => line.startsWith('started ')).length;
  };

  before(async () => {
    const local = await stage('localServer', null);
    ledger = local.ledger;
    await configure({ [SERVER]: local.entry });
    await serverBecomes(SERVER, 'known', ({ onDemand }) => onDemand);
  });

  after(() => configure(undefined));

  it('is not started before somebody uses it', async () => {
    assert.equal(await started(), 0);
    await lookAtStatusBar(/^MCP sessions: 1 server starts when used$/, 'local-unused');
  });

  it("is started by the editor's client, for that client alone", async () => {
    await startServers([toolName('ledger', 'count')]);
    assert.equal(await invokeTool(toolName('ledger', 'count'), { key: 'one' }), 'ran one');
    assert.equal(await started(), 1);
    await lookAtTooltip('tooltip-local', ([row]) => {
      assert.deepEqual([row?.Server, row?.State], [SERVER, 'connected']);
    });
    await serverBecomes(SERVER, 'met by one client', ({ clients }) => clients.length === 1);
  });

  it('is started again when it has crashed, and what may have run is not called again', async () => {
    await assert.rejects(invokeTool(toolName('ledger', 'kill'), { key: 'two' }), /may or may not have run/);
    assert.equal(await invokeTool(toolName('ledger', 'count'), { key: 'three' }), 'ran three');
    const lines = await stage('ledgerLines', { ledger });
    assert.deepEqual(
      lines.filter((line) => !line.startsWith('started ')),
      ['count one', 'kill two', 'count three'],
    );
    assert.equal(await started(), 2);
  });
});

function workspaceFolder(): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder, 'the window has no folder open');
  return folder.uri;
}

/** The folder of the window, as its client tells it to servers. */
function root(): { uri: string; name: string } {
  const { fsPath } = workspaceFolder();
  return { uri: vscode.Uri.file(fsPath).toString(), name: fsPath.split('/').at(-1) ?? '' };
}
