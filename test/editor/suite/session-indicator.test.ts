import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { oneStory } from '../../support/one-story.ts';
import { configure, echo, extension, serverBecomes, serverReady } from './extension.ts';
import { stage } from './stage.ts';
import { chooseCommand, look, lookAtStatusBar, lookAtTooltip, lookForNoItem } from './window.ts';

const SERVER = 'everything';
const SESSION_OPENED = 'Session initialized with ID';
const SESSION_ENDED = 'Received session termination request';

// One story: each test begins where the one before has ended.
describe('The extension in a real VS Code', () => {
  oneStory();
  let url: string;
  let missing: Record<string, { url: string }>;

  before(async () => {
    ({ url } = await stage('startServer', { name: SERVER }));
  });

  after(() => configure(undefined));

  it('is activated after start-up and gives other extensions version 1 of its API', async () => {
    const api = await extension().activate();
    assert.equal(api.version, 1);
    assert.deepEqual(api.snapshot().servers, []);
  });

  it('offers "MCP: Reset Session" as a command', async () => {
    assert.ok((await vscode.commands.getCommands(true)).includes('resilientMcp.resetSession'));
  });

  it('shows no status bar item while no server is configured', lookForNoItem);

  it('opens one session with a server that the workspace settings name', async () => {
    await configure({ [SERVER]: { url } });
    await serverReady(SERVER, 1);
    assert.equal((await openedSessions(1)).length, 1);
    await lookAtStatusBar(/1 of 1 server connected/, 'ready');
  });

  it('answers a tool call', async () => {
    assert.equal(await echo(SERVER, 'before the kill'), 'Echo: before the kill');
  });

  it('shows in the status bar that the server was killed', async () => {
    await stage('killServer', { name: SERVER });
    await serverBecomes(SERVER, 'in trouble', ({ connection }) => connection.status !== 'ready');
    await lookAtStatusBar(/0 of 1 server connected\. everything: /, 'unreachable');
  });

  it('answers the next call after the server was started again, on exactly one new session', async () => {
    await stage('startServerAgain', { name: SERVER });
    assert.equal(await echo(SERVER, 'after the kill'), 'Echo: after the kill');
    const { connection } = await serverReady(SERVER, 2);
    assert.equal(connection.recoveries, 1);
    assert.equal((await openedSessions(1)).length, 1);
    await lookAtTooltip('tooltip', ([row, ...others]) => {
      assert.equal(row?.Server, SERVER);
      assert.equal(row?.State, 'connected');
      assert.equal(row?.Generation, '2');
      assert.deepEqual(others, []);
    });
  });

  it('ends the session and opens another on "MCP: Reset Session" from the command palette', async () => {
    await chooseCommand('MCP: Reset Session', 'resilientMcp.resetSession', 'palette');
    await serverReady(SERVER, 3);
    await stage('serverLines', { name: SERVER, matching: SESSION_ENDED, count: 1 });
    assert.equal((await openedSessions(2)).length, 2);
    assert.equal(await echo(SERVER, 'after the reset'), 'Echo: after the reset');
    await lookAtTooltip('tooltip-after-reset', ([row]) => assert.equal(row?.Generation, '3'));
  });

  it('goes on trying to reach a server that is not there, and keeps the session of the one that is', async () => {
    missing = { absent: { url: await stage('deadUrl', null) } };
    await configure({ [SERVER]: { url }, ...missing });
    await serverBecomes('absent', 'tried again', ({ connection }) => connection.attempt > 1);
    await serverReady(SERVER, 3);
    await lookAtStatusBar(/1 of 2 servers connected\. absent: /, 'connecting');
  });

  it('calls a server down at once that refuses the handshake', async () => {
    missing = { ...missing, mistyped: { url: `${url}-typo` } };
    await configure({ [SERVER]: { url }, ...missing });
    const { connection } = await serverBecomes(
      'mistyped',
      'down',
      (server) => server.connection.status === 'down',
    );
    assert.match(connection.trouble ?? '', /404/);
    await serverReady(SERVER, 3);
  });

  it('asks which session to reset when there are several', async () => {
    await look('the pick of a server', async (call) => {
      await call('searchPalette', { text: 'MCP: Reset Session' });
      await call('press', { key: 'Enter' });
      const rows = await call('pickerRows', { matching: 'All sessions' });
      await call('picture', { name: 'reset-pick' });
      assert.equal(rows.length, 4);
      await call('press', { key: 'Escape' });
      await call('pickerClosed', null);
    });
    await serverReady(SERVER, 3);
  });

  it('answers twenty calls at once on one new session after another kill', async () => {
    await stage('killServer', { name: SERVER });
    await stage('startServerAgain', { name: SERVER });
    const messages = Array.from({ length: 20 }, (_, n) => `call ${n}`);
    const answers = await Promise.all(messages.map((message) => echo(SERVER, message)));
    assert.deepEqual(
      answers,
      messages.map((message) => `Echo: ${message}`),
    );
    await serverReady(SERVER, 4);
    assert.equal((await openedSessions(1)).length, 1);
  });

  it('names the key of a setting that it cannot use, and keeps the good servers', async () => {
    await configure({ [SERVER]: { url }, ...missing, broken: { url: 'localhost:3000/mcp' } });
    await look('the warning about the setting', async (call) => {
      const text = await call('notification', { text: 'resilientMcp\\.servers' });
      await call('picture', { name: 'bad-setting' });
      assert.match(text, /resilientMcp\.servers\["broken"\]\.url must be a full http/);
      await call('dismissNotifications', null);
    });
    await serverReady(SERVER, 4);
  });

  it('says which servers are down once its patience with them is used up', async () => {
    for (const name of Object.keys(missing)) {
      await serverBecomes(name, 'down', ({ connection }) => connection.status === 'down');
    }
    await lookAtStatusBar(
      /1 of 3 servers connected\. absent: down.*\. mistyped: down/,
      'partly-down',
      'warning',
    );
    await lookAtTooltip('tooltip-partly-down', (rows) => {
      const names = rows.map((row) => row.Server);
      assert.deepEqual(names, [SERVER, ...Object.keys(missing)]);
    });
  });

  it('ends the session and hides the item when the last server is taken out of the settings', async () => {
    await configure({});
    await stage('serverLines', { name: SERVER, matching: SESSION_ENDED, count: 1 });
    assert.deepEqual(extension().exports.snapshot().servers, []);
    await lookForNoItem();
  });
});

/** What the present process of the server says of the sessions it has opened; at least so many. */
function openedSessions(count: number): Promise<string[]> {
  return stage('serverLines', { name: SERVER, matching: SESSION_OPENED, count });
}
