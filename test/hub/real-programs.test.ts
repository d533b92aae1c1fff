import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { freePort } from '../../harness/free-port.ts';
import { everythingServer } from '../../harness/programs.ts';
import { SupervisedServer } from '../../harness/supervised-server.ts';
import type { HealingTransport } from '../../src/client/healing-transport.ts';
import type { ServerConfig } from '../../src/config/server-config.ts';
import { transportOpener } from '../../src/hub/open/open-transport.ts';
import { type Connected, connectedBy, quick } from '../support/connected.ts';
import { textOf } from '../support/sdk-client.ts';
import { lives } from '../support/stdio/ledger.ts';
import { isReady, reachesServer, realFleet } from './fleets.ts';

const common = { shared: false, replay: { default: 'hints', tools: {} } } as const;
const edge = {
  processes: { cwd: process.cwd(), env: process.env, serve: { command: '', args: [] } },
};
const open = transportOpener(edge);
const healing = { recovery: { ...quick.recovery }, connectPatienceMs: 20_000 };

const { script } = everythingServer(0);
const overStdio: ServerConfig = {
  ...common,
  type: 'stdio',
  name: 'everything',
  command: process.execPath,
  args: [script, 'stdio'],
  env: {},
  cwd: undefined,
};

function sseServer(port: number): Promise<SupervisedServer> {
  const args = ['sse'];
  return SupervisedServer.start({
    ...everythingServer(port),
    args,
    listening: /running on port/,
    path: '/sse',
  });
}

/** The only child of this process that runs the reference server. */
function programPid(): number {
  const children = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  const found = children
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((row) => Number(row?.[2]) === process.pid && row?.[3]?.includes(script));
  assert.equal(found.length, 1);
  return Number(found[0]?.[1]);
}

const entries = Array.from({ length: 50 }, (_, index) => `entry ${index}`);

/** Fifty calls at once, after something has happened to the server. */
async function healed(scenario: Connected<HealingTransport>, happen: () => Promise<unknown>): Promise<void> {
  await scenario.client.listTools();
  await scenario.client.setLoggingLevel('error');
  await scenario.client.subscribeResource({ uri: 'demo://resource/dynamic/text/1' });
  await happen();
  await scenario.fact('serverUnavailable');
  const calls = entries.map((message) => scenario.client.callTool({ name: 'echo', arguments: { message } }));
  assert.deepEqual(
    (await Promise.all(calls)).map(textOf),
    entries.map((message) => `Echo: ${message}`),
  );
  const [restored] = scenario.facts('stateRestored');
  assert.ok(restored?.kind === 'stateRestored');
  assert.deepEqual([restored.logLevel, restored.subscriptions, restored.failed], ['error', 1, 0]);
  assert.equal(scenario.transport.snapshot().generation, 2);
}

describe('the reference server', () => {
  it('over stdio, killed: fifty calls, fifty answers, everything restored, and no process left', async () => {
    await using scenario = await connectedBy(open(overStdio, healing));
    await healed(scenario, async () => process.kill(programPid(), 'SIGKILL'));
    const pid = programPid();
    await scenario.client.close();
    assert.ok(!lives(pid));
  });

  it('over HTTP+SSE, killed and started again: fifty calls, fifty answers, everything restored', async () => {
    await using server = await sseServer(await freePort());
    const config: ServerConfig = { ...common, type: 'sse', name: 'everything', url: server.url, headers: {} };
    await using scenario = await connectedBy(open(config, healing));
    await healed(scenario, () => server.restart());
  });

  it('over stdio in a fleet: started by the first who asks, and ended with its entry', async () => {
    const fleet = realFleet({ openTransport: (config, options) => open(config, { ...healing, ...options }) });
    fleet.apply([overStdio]);
    const answer = await fleet.callTool('everything', 'echo', { message: 'a' });
    assert.equal(textOf(answer), 'Echo: a');
    await reachesServer(fleet, 'everything', isReady);
    const pid = programPid();
    const [reset] = await fleet.reset('everything');
    assert.ok(reset?.ok);
    assert.ok(!lives(pid));
    const last = programPid();
    await fleet.close();
    assert.ok(!lives(last));
  });
});
