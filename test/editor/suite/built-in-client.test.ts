import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { invokeTool, startServers, toolName } from './built-in-client.ts';
import { stage } from './stage.ts';
import { look } from './window.ts';

const RESTARTS = 20;
const SERVER = 'managed';

// One story: each test begins where the one before has ended.
describe("VS Code's own client, and a server under the session manager that is killed again and again", function () {
  this.bail(true);
  const configuration = vscode.Uri.joinPath(workspaceFolder(), '.vscode/mcp.json');
  let pid: number;
  let client: unknown;

  before(async () => {
    const { url } = await stage('startManagedServer', { name: SERVER });
    const servers = { [SERVER]: { type: 'http', url } };
    await vscode.workspace.fs.writeFile(configuration, new TextEncoder().encode(JSON.stringify({ servers })));
    await startServers([toolName('program', 'run')]);
  });

  after(() => vscode.workspace.fs.delete(configuration));

  it('is in a session, and tells what it can do', async () => {
    client = await call('client');
    assert.match(JSON.stringify(client), /"elicitation":.*"roots":|"roots":.*"elicitation":/);
    await stage('serverLines', { name: SERVER, matching: OPENED, count: 1 });
  });

  it('hands a question of the server to a person', () => answersQuestion('before the first kill'));

  it(`calls, ${RESTARTS} times after another kill, without a failure, and each call runs once`, async () => {
    for (let restart = 1; restart <= RESTARTS; restart++) {
      await startAgain();
      const keys = [1, 2, 3].map((n) => `${restart}.${n}`);
      assert.deepEqual(await Promise.all(keys.map((key) => call('run', { key }))), [pid, pid, pid]);
      // Asks the client something, which needs no person.
      assert.deepEqual(await call('roots'), [pid, [root()]]);
      assert.deepEqual(await call('client'), client);
      await onlyRan(keys);
      await onlyAdopted();
    }
  });

  it('still hands a question of the server to a person', () => answersQuestion('after the last kill'));

  it('took part in a single session for all of it', onlyAdopted);

  async function startAgain(): Promise<void> {
    await stage('killServer', { name: SERVER });
    ({ pid } = await stage('startServerAgain', { name: SERVER }));
  }
});

const OPENED = '"event":"sessionOpened"';

/** The answer of a tool, which is JSON. */
async function call(tool: string, input: object = {}): Promise<unknown> {
  return JSON.parse(await invokeTool(toolName('program', tool), input));
}

/** The server asks, a notification offers to respond, and what is typed then is the server's answer. */
async function answersQuestion(message: string): Promise<void> {
  await look(`the server's question, ${message}`, async (window) => {
    const asked = call('ask', { message });
    await window('clickInNotification', { text: message, button: 'Respond' });
    await window('type', { text: 'fine' });
    await window('pickerRows', { matching: 'fine$' });
    await window('picture', { name: `question-${message}` });
    await window('press', { key: 'Enter' });
    const [, action, answer] = (await asked) as unknown[];
    assert.deepEqual([action, answer], ['accept', 'fine']);
  });
}

/** That the present process ran these calls, each once, and no other. */
async function onlyRan(keys: readonly string[]): Promise<void> {
  // Its line comes after those of all others, also of one that had been sent twice.
  await call('run', { key: 'the last' });
  await stage('serverLines', { name: SERVER, matching: '^ran the last$', count: 1 });
  const lines = await stage('serverLines', { name: SERVER, matching: '^ran ', count: keys.length + 1 });
  assert.deepEqual(lines.toSorted(), [...keys, 'the last'].map((key) => `ran ${key}`).toSorted());
}

/** That the present process took one session over and opened none, so that nobody has sent it an `initialize`. */
async function onlyAdopted(): Promise<void> {
  const lines = await stage('serverLines', { name: SERVER, matching: OPENED, count: 1 });
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { reason: string }).reason),
    ['adopted'],
  );
}

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
