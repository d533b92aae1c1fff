import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { HubFact } from '../../src/hub/facts.ts';
import { HubGateway } from '../../src/hub/gateway/gateway.ts';
import { worstConnection } from '../../src/hub/snapshot.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import type { Fleet } from './fleets.ts';
import { config, hasTools, isReady, reachesServer, realFleet } from './fleets.ts';

describe('a connection that the fleet opens for a client', () => {
  let server: ScriptedServer;
  let fleet: Fleet;

  beforeEach(async () => {
    server = await ScriptedServer.start();
    fleet = realFleet();
    fleet.apply([config('a', server.url)]);
    await reachesServer(fleet, 'a', isReady);
  });

  afterEach(async () => {
    await fleet.close();
    await server.close();
  });

  /** A client with a connection of the fleet's. */
  async function aClient(): Promise<Client> {
    const client = new Client({ name: 'client', version: '1.0.0' });
    await client.connect(fleet.connect('a', { connectPatienceMs: 1000 }));
    return client;
  }

  const clients = () => fleet.snapshot().servers[0]?.clients ?? [];

  it("takes the place of the hub's own, and is shown until it is closed; then the hub connects again", async () => {
    const client = await aClient();
    const { isOwn, connection } = await reachesServer(
      fleet,
      'a',
      ({ clients: [one] }) => one?.connection.status === 'ready',
    );
    assert.deepEqual([isOwn, connection], [false, clients()[0]?.connection]);
    await server.ended({ method: 'DELETE' });
    assert.equal(server.sessions.length, 1);
    await client.close();
    assert.deepEqual(clients(), []);
    await reachesServer(fleet, 'a', (each) => each.isOwn && isReady(each));
    assert.equal(server.sessions.length, 1);
  });

  it('leaves the hub without a connection of its own, which a call of a tool opens all the same', async () => {
    await aClient();
    await fleet.callTool('a', 'count', { key: 'k' });
    assert.equal(server.runs('k'), 1);
    const [shown] = fleet.snapshot().servers;
    assert.deepEqual([shown?.isOwn, shown?.clients.length, server.sessions.length], [true, 1, 2]);
  });

  it('leaves the connection of the hub in an outage alone until it has a session itself', async () => {
    await server.refuseConnections();
    const troubled = await reachesServer(fleet, 'a', ({ connection }) => connection.trouble !== undefined);
    const client = new Client({ name: 'client', version: '1.0.0' });
    await assert.rejects(client.connect(fleet.connect('a', { connectPatienceMs: 0 })), {
      code: 'SERVER_UNAVAILABLE',
    });
    assert.deepEqual(clients(), []);
    const [now] = fleet.snapshot().servers;
    assert.deepEqual([now?.isOwn, now?.connection.since], [true, troubled.connection.since]);
    const patient = new Client({ name: 'client', version: '1.0.0' });
    const opened = patient.connect(fleet.connect('a', { connectPatienceMs: 60_000 }));
    await server.acceptConnections();
    await opened;
    await reachesServer(fleet, 'a', ({ isOwn }) => !isOwn);
    await patient.close();
  });

  it('does not cut off a call that the hub has under way', async () => {
    const hold = server.hold({ tool: 'count' });
    const call = fleet.callTool('a', 'count', { key: 'k' });
    await server.received({ tool: 'count' });
    await aClient();
    hold.release();
    assert.deepEqual((await call).content, [{ type: 'text', text: 'ran k' }]);
  });

  describe('of the gateway', () => {
    it('is opened once the session of the hub has ended: some servers hold a single one', async () => {
      const gateway = new HubGateway(fleet, { withoutToken: true });
      const client = new Client({ name: 'client', version: '1.0.0' });
      await gateway.start();
      await client.connect(new StreamableHTTPClientTransport(new URL(gateway.urlOf('a'))) as Transport);
      const order = server.requests.map(({ method, rpc }) => rpc ?? method);
      assert.deepEqual(
        order.filter((each) => each === 'DELETE' || each === 'initialize'),
        ['initialize', 'DELETE', 'initialize'],
      );
      await client.close();
      await gateway.close();
    });

    it('counts what the client lists, page by page', async () => {
      await reachesServer(fleet, 'a', hasTools);
      server.face.tools = ['a', 'b', 'c', 'd', 'e'].map((name) => ({
        name,
        inputSchema: { type: 'object' },
      }));
      server.face.pageSize = 2;
      const gateway = new HubGateway(fleet, { withoutToken: true });
      const client = new Client({ name: 'client', version: '1.0.0' });
      await gateway.start();
      await client.connect(new StreamableHTTPClientTransport(new URL(gateway.urlOf('a'))) as Transport);
      const { nextCursor } = await client.listTools();
      const { nextCursor: last } = await client.listTools({ cursor: nextCursor ?? assert.fail() });
      assert.notEqual(fleet.snapshot().servers[0]?.tools, 5);
      await client.listTools({ cursor: last ?? assert.fail() });
      assert.equal(fleet.snapshot().servers[0]?.tools, 5);
      await client.close();
      await gateway.close();
    });
  });

  it('is numbered, and its facts bear the number', async () => {
    const facts: HubFact[] = [];
    fleet.onFact((fact) => facts.push(fact));
    const [one, two] = [await aClient(), await aClient()];
    await one.close();
    assert.deepEqual(
      clients().map(({ client }) => client),
      [2],
    );
    await two.close();
    const told = facts
      .filter(({ client }) => client === 1)
      .map(({ server, fact }) => `${server} ${fact.kind}`);
    assert.equal(told[0], 'a sessionOpened');
    assert.equal(told.at(-1), 'a connectionClosed');
  });

  it('is what the server is judged by when it is the worse one', async () => {
    await aClient();
    server.forgetSessions('404-json');
    await server.refuseConnections();
    const [first] = clients();
    assert.ok(first);
    const troubled = await reachesServer(
      fleet,
      'a',
      ({ clients: [one] }) => one?.connection.status !== 'ready',
    );
    assert.notEqual(worstConnection(troubled)?.status, 'ready');
    await server.acceptConnections();
    await reachesServer(fleet, 'a', (each) => worstConnection(each)?.status === 'ready');
  });

  it('gets a new session when its server is reset', async () => {
    await Promise.all([aClient(), aClient()]);
    const [outcome] = await fleet.reset('a');
    assert.ok(outcome?.ok);
    assert.deepEqual(
      clients().map(({ connection }) => connection.generation),
      [2, 2],
    );
    assert.equal(server.sessions.length, 2);
  });

  it('is closed when its server is taken out of the fleet', async () => {
    await aClient();
    fleet.apply([]);
    await fleet.close();
    assert.equal(server.sessions.length, 0);
  });

  it('is refused for a server that the fleet does not have', () => {
    assert.throws(() => fleet.connect('b'), { code: 'INVALID_CONFIGURATION' });
  });

  describe('whose session all clients share', () => {
    const shared = () => ({ ...config('a', server.url), shared: true });

    it('is opened by nobody but the client', async () => {
      fleet.apply([shared()]);
      await server.ended({ method: 'DELETE' });
      assert.deepEqual([fleet.snapshot().servers[0]?.onDemand, server.sessions.length], [true, 0]);
      await aClient();
      assert.equal(server.sessions.length, 1);
      assert.equal(fleet.snapshot().servers[0]?.isOwn, false);
    });

    it('is reset if there is one, and not opened for the sake of it', async () => {
      fleet.apply([shared()]);
      await server.ended({ method: 'DELETE' });
      const [none] = await fleet.reset();
      assert.deepEqual([none?.ok, none?.ok && none.connection, server.sessions.length], [true, undefined, 0]);
      await aClient();
      const [one] = await fleet.reset();
      assert.equal(one?.ok && one.connection?.generation, 2);
      assert.equal(server.sessions.length, 1);
    });

    it('is a connection of the fleet too once somebody calls a tool by it', async () => {
      fleet.apply([shared()]);
      await fleet.callTool('a', 'count', { key: 'k' });
      assert.equal(server.runs('k'), 1);
    });
  });
});
