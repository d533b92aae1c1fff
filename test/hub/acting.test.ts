import assert from 'node:assert/strict';
import type { ServerSnapshot } from '../../src/hub/snapshot.ts';
import { isResilientMcpError } from '../../src/protocol/errors.ts';
import { connectedBy } from '../support/connected.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import type { Fleet, FleetOptions } from './fleets.ts';
import { config, hasTools, isReady, reachesServer, realFleet } from './fleets.ts';

describe('a server of the fleet that is paused', () => {
  const opened: { close(): Promise<void> }[] = [];

  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.close();
  });

  async function aFleet(options: Partial<FleetOptions> = {}) {
    const server = await ScriptedServer.start();
    const fleet = realFleet(options);
    opened.push(server, fleet);
    fleet.apply([config('a', server.url)]);
    return { server, fleet };
  }

  const isPaused = ({ paused, connection }: ServerSnapshot) => paused && connection.status === 'paused';
  const refusesCalls = (fleet: Fleet) =>
    assert.rejects(fleet.callTool('a', 'count', { key: 'k' }), (error) =>
      isResilientMcpError(error, 'CONNECTION_PAUSED'),
    );

  it('holds no session, and says so to callers; resumed, it answers on a new one', async () => {
    const { server, fleet } = await aFleet();
    await reachesServer(fleet, 'a', (each) => isReady(each) && hasTools(each));
    fleet.pause('a');
    await reachesServer(fleet, 'a', isPaused);
    await refusesCalls(fleet);
    const [outcome] = await fleet.reset('a');
    assert.ok(outcome?.ok === false && /paused/.test(outcome.reason) && /Resume/.test(outcome.advice ?? ''));
    fleet.resume('a');
    const { connection, tools } = await reachesServer(fleet, 'a', isReady);
    assert.equal(connection.generation, 2);
    assert.ok(tools !== undefined);
    await fleet.callTool('a', 'count', { key: 'k' });
    assert.equal(server.runs('k'), 1);
    assert.equal(server.sessions.length, 1);
  });

  it('is not met at all when it begins so, by the fleet or by clients, until it is resumed', async () => {
    const { server, fleet } = await aFleet({ paused: ['a', 'someone else'] });
    await refusesCalls(fleet);
    const client = fleet.connect('a');
    assert.equal(client.snapshot().status, 'paused');
    await client.close();
    assert.ok(isPaused(fleet.snapshot().servers[0] ?? assert.fail()));
    assert.equal(server.requests.length, 0);
    fleet.resume('a');
    await reachesServer(fleet, 'a', ({ connection }) => connection.generation === 1);
  });

  it('stays paused when its entry changes', async () => {
    const { server, fleet } = await aFleet();
    await reachesServer(fleet, 'a', isReady);
    fleet.pause('a');
    fleet.apply([config('a', server.url, { 'X-Other': '1' })]);
    await refusesCalls(fleet);
    assert.ok(isPaused(fleet.snapshot().servers[0] ?? assert.fail()));
  });

  it('may be resumed while its first handshake is still being given up; the call that waits is answered', async () => {
    const { server, fleet } = await aFleet();
    const hold = server.hold({ rpc: 'initialize' });
    const waiting = fleet.callTool('a', 'count', { key: 'k' });
    await hold.arrived();
    fleet.pause('a');
    fleet.resume('a');
    hold.release();
    await waiting;
    assert.equal(server.runs('k'), 1);
  });

  it('refuses the call that waits for its first session, by name', async () => {
    const { server, fleet } = await aFleet();
    const hold = server.hold({ rpc: 'initialize' });
    const refused = refusesCalls(fleet);
    await hold.arrived();
    fleet.pause('a');
    await refused;
    hold.release();
    fleet.resume('a');
    await fleet.callTool('a', 'count', { key: 'k' });
    assert.equal(server.runs('k'), 1);
  });
});

describe('a fault that is simulated at a server of the fleet', () => {
  it('happens to the connections of clients as well, without a call', async () => {
    await using server = await ScriptedServer.start();
    const fleet = realFleet();
    try {
      fleet.apply([config('a', server.url)]);
      assert.deepEqual(fleet.faults('a'), []);
      assert.throws(
        () => fleet.simulate('a', { kind: 'lost-404' }),
        (error) => isResilientMcpError(error, 'INVALID_STATE') && error.advice !== undefined,
      );
      await reachesServer(fleet, 'a', isReady);
      await using _client = await connectedBy(fleet.connect('a'));
      fleet.simulate('a', { kind: 'lost-404' });
      const { connection, clients } = await reachesServer(
        fleet,
        'a',
        (each) =>
          isReady(each) &&
          each.connection.generation === 2 &&
          each.clients.every((one) => one.connection.generation === 2),
      );
      assert.equal(clients.length, 1);
      assert.match(connection.lastRecovery?.cause ?? '', /simulated/);
      assert.equal(server.sessions.length, 1);
    } finally {
      await fleet.close();
    }
  });
});

describe('the latencies of a server', () => {
  it('are those of every answer', async () => {
    const server = await ScriptedServer.start();
    const fleet = realFleet();
    try {
      fleet.apply([config('a', server.url)]);
      await reachesServer(fleet, 'a', (each) => isReady(each) && hasTools(each));
      const before = fleet.snapshot().servers[0]?.latency.count ?? 0;
      await fleet.callTool('a', 'count', { key: 'k' });
      const { latency } = fleet.snapshot().servers[0] ?? assert.fail();
      assert.ok(latency.count > before);
      assert.ok(latency.p95Ms !== undefined && latency.p95Ms <= (latency.maxMs ?? 0));
    } finally {
      await fleet.close();
      await server.close();
    }
  });
});
