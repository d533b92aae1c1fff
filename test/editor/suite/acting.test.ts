import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { until } from '../../../harness/until.ts';
import type { HubSnapshot, ServerSnapshot } from '../../../src/hub/snapshot.ts';
import { oneStory } from '../../support/one-story.ts';
import { configure, echo, extension, serverBecomes, serverReady } from './extension.ts';
import { stage } from './stage.ts';
import { chooseCommand, clickIndicator, look, lookAtStatusBar, lookAtTooltip } from './window.ts';

const SERVER = 'acted';
const STATE_LIMIT_MS = 90_000;

// One story: each test begins where the one before has ended.
describe('Acting on sessions in a real VS Code', () => {
  oneStory();
  let url: string;

  before(async () => {
    ({ url } = await stage('startServer', { name: SERVER }));
    await configure({ [SERVER]: { url }, [`${SERVER} too`]: { url } });
    await serverReady(SERVER, 1);
    await serverReady(`${SERVER} too`, 1);
    assert.equal(await echo(SERVER, 'first'), 'Echo: first');
  });

  after(() => configure(undefined));

  it('shows a pick of servers and actions when the indicator is clicked', async () => {
    await look('the pick of the indicator', async (call) => {
      await clickIndicator();
      const rows = await call('pickerRows', { matching: 'Reset All Sessions' });
      await call('picture', { name: 'sessions-pick' });
      assert.match(rows[0] ?? '', /^acted, .*connected · generation 1/);
      await call('press', { key: 'Enter' });
      await call('pickerRows', { matching: 'Pause Server' });
      await call('picture', { name: 'server-pick' });
      await call('press', { key: 'Escape' });
      await call('pickerClosed', null);
    });
    await serverReady(SERVER, 1);
  });

  it('resets the session of the server that is chosen in it', async () => {
    await look('a reset from the pick', async (call) => {
      await clickIndicator();
      await call('pickerRows', { matching: 'Reset All Sessions' });
      await call('press', { key: 'Enter' });
      await call('pickerRows', { matching: 'Pause Server' });
      await call('press', { key: 'Enter' });
      await call('pickerClosed', null);
      await serverReady(SERVER, 2);
    });
    await serverReady(`${SERVER} too`, 1);
  });

  it('shows what can be simulated', async () => {
    const chosen = vscode.commands.executeCommand('resilientMcp.simulateLoss', SERVER);
    await look('the pick of a fault', async (call) => {
      const rows = await call('pickerRows', { matching: 'Two Seconds Down' });
      await call('picture', { name: 'simulate-pick' });
      assert.equal(rows.length, 4);
      await call('press', { key: 'Escape' });
      assert.equal(await chosen, undefined);
    });
  });

  for (const fault of ['lost-404', 'lost-400'] as const) {
    it(`heals a session that is lost (${fault}), of this server alone`, async () => {
      const { generation } = await connectionNow();
      const before = await facts();
      assert.equal(await simulate(fault), fault);
      await serverReady(SERVER, generation + 1);
      assert.equal(await echo(SERVER, fault), `Echo: ${fault}`);
      await serverReady(`${SERVER} too`, 1);
      const after = await facts();
      assert.notDeepEqual(after, before);
      assert.match(after.join('\n'), /New session after .*simulated/);
    });
  }

  it('shows a server that is down for two seconds, and that it answers again on the same session', async () => {
    const { generation } = await connectionNow();
    const unreachable = statusSeen('unreachable');
    await simulate('refuse');
    await unreachable;
    await lookAtStatusBar(/1 of 2 servers connected\. acted: not answering/, 'two-seconds-down');
    await serverReady(SERVER, generation);
    assert.match((await facts()).at(-1) ?? '', /Server answers again after .*, on the same session/);
    await lookAtStatusBar(/2 of 2 servers connected/, 'answers-again');
  });

  it('keeps the session when an answer was cut off', async () => {
    const { generation, since } = await connectionNow();
    const settled = serverBecomes(
      SERVER,
      'ready again',
      ({ connection }) => connection.status === 'ready' && connection.since > since,
    );
    await simulate('cut');
    const { connection } = await settled;
    assert.equal(connection.generation, generation);
    assert.match((await facts()).join('\n'), /Server does not answer: .*simulated/);
    await lookAtTooltip('tooltip-acting', ([row]) => {
      assert.equal(row?.Server, SERVER);
      assert.equal(row?.Recoveries, '3');
      assert.match(row?.['p50 / p95'] ?? '', /\d\s\/\s\d/);
    });
  });

  it('sends nothing to a server that is paused, and says so in words', async () => {
    const { generation } = await connectionNow();
    await vscode.commands.executeCommand('resilientMcp.pauseServer', SERVER);
    await assert.rejects(echo(SERVER, 'paused'), /paused; the request was not sent/);
    await lookAtStatusBar(/1 of 1 server connected\. 1 server is paused/, 'paused');
    await chooseCommand('MCP: Resume Server', 'resilientMcp.resumeServer', 'resume-palette');
    await serverReady(SERVER, generation + 1);
    assert.equal(await echo(SERVER, 'resumed'), 'Echo: resumed');
  });

  it('tells an agent the state of the sessions, and resets one for it', async () => {
    const names = vscode.lm.tools.map(({ name }) => name);
    assert.ok(names.includes('resilientMcp_sessions') && names.includes('resilientMcp_resetSession'));
    const { servers } = JSON.parse(await invoke('resilientMcp_sessions', {}));
    assert.deepEqual(
      servers.map(({ name, state }: Record<string, unknown>) => [name, state]),
      [
        [SERVER, 'connected'],
        [`${SERVER} too`, 'connected'],
      ],
    );
    const { generation } = await connectionNow();
    // A window under test answers the question of the editor itself.
    assert.match(await invoke('resilientMcp_resetSession', { server: SERVER }), /"acted" has a new session/);
    await serverReady(SERVER, generation + 1);
  });

  it('tells once of a server that is down, and no more when that is not wanted', async () => {
    await configure({ [SERVER]: { url }, mistyped: { url: `${url}-typo` } });
    await serverBecomes('mistyped', 'down', ({ connection }) => connection.status === 'down');
    await look('the notification of an outage', async (call) => {
      const text = await call('notification', { text: 'mistyped is down' });
      await call('picture', { name: 'outage' });
      assert.match(text, /MCP: mistyped is down\. Still retrying\./);
      await call('clickInNotification', { text: 'mistyped is down', button: 'Don’t Show Again' });
      await chooseCommand(
        'MCP: Show Notifications Again',
        'resilientMcp.notifyAgain',
        'notify-again-palette',
      );
    });
    await lookAtStatusBar(/1 of 2 servers connected\. mistyped: down/, 'outage-bar', 'warning');
  });
});

async function connectionNow(): Promise<ServerSnapshot['connection']> {
  const { connection } = await serverBecomes(SERVER, 'known', () => true);
  return connection;
}

function simulate(fault: string): Thenable<string | undefined> {
  return vscode.commands.executeCommand('resilientMcp.simulateLoss', { server: SERVER, fault });
}

/** Resolves when the server has such a status; at once, if it has it. */
async function statusSeen(status: string): Promise<void> {
  await until<HubSnapshot>(
    (listener) => extension().exports.onDidChange(listener),
    ({ servers }) => servers.some(({ name, connection }) => name === SERVER && connection.status === status),
    { timeoutMs: STATE_LIMIT_MS, what: `"${SERVER}" ${status}` },
  );
}

async function invoke(name: string, input: object): Promise<string> {
  const { content } = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined });
  return content.map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : '')).join('');
}

/** The latest facts of the server, as an agent is told them. */
async function facts(): Promise<readonly string[]> {
  const { servers } = JSON.parse(await invoke('resilientMcp_sessions', { server: SERVER }));
  return servers[0].latestFacts;
}
