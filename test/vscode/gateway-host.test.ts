import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LogOutputChannel } from 'vscode';
import type { Fleet } from '../../src/fleet/fleet.ts';
import type { OnRefused } from '../../src/gateway/index.ts';
import { type Clock, systemClock } from '../../src/session/environment.ts';
import { config, realFleet } from '../fleet/fleets.ts';
import { plain } from '../gateway/gateways.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { GatewayHost, GatewayKeeping } from './editor-double/load.ts';
import { Keeping, window } from './editor-double/vscode.ts';

describe('the gateway of a window', () => {
  const toEnd: (() => Promise<unknown>)[] = [];
  let fleet: Fleet;
  const refused: Parameters<OnRefused>[] = [];

  beforeEach(() => {
    fleet = realFleet();
    toEnd.push(() => fleet.close());
  });

  afterEach(async () => {
    for (const end of toEnd.splice(0).reverse()) await end();
  });

  /** Lets every wait end at once. */
  function hasty(): Clock {
    let now = 0;
    return {
      now: () => now,
      monotonic: () => now,
      after: (ms, callback) => {
        now += ms;
        const immediate = setImmediate(callback);
        return () => clearImmediate(immediate);
      },
    };
  }

  function aHost(
    keeping: Keeping,
    url = 'http://127.0.0.1:9/mcp',
    clock?: Clock,
  ): InstanceType<typeof GatewayHost> {
    const log = window.createOutputChannel() as unknown as LogOutputChannel;
    const host = new GatewayHost({
      fleet,
      log,
      keeping: new GatewayKeeping(keeping),
      storage: keeping.globalStorageUri.fsPath,
      workspace: 'notes',
      onRefused: (...told) => refused.push(told),
      ...(clock && { clock }),
    });
    toEnd.push(() => host.close());
    host.apply([config('a', url)]);
    return host;
  }

  /** What a client is told by which it meets the only server. */
  async function meeting(host: InstanceType<typeof GatewayHost>) {
    const { Authorization = '' } = await host.headers();
    const [only] = await host.servers();
    // A socket of its own for each request: one that is reused may be half closed when the gateway was just replaced.
    return { url: only?.url ?? '', authorization: { authorization: Authorization, connection: 'close' } };
  }

  const portOf = async (host: InstanceType<typeof GatewayHost>) => {
    const [only] = await host.servers();
    return Number(new URL(only?.url ?? '').port);
  };

  async function stranger(port = 0): Promise<Server> {
    const server = createServer((_, response) => response.end('hello'));
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    toEnd.push(async () => server.close());
    return server;
  }

  it('listens where it was last found', async () => {
    const keeping = new Keeping();
    const first = aHost(keeping);
    const port = await portOf(first);
    await first.close();
    assert.equal(await portOf(aHost(keeping)), port);
  });

  it('waits for a port that its predecessor is about to leave', async () => {
    const keeping = new Keeping();
    const server = await stranger();
    const { port } = server.address() as AddressInfo;
    keeping.state.set('gateway.port', port);
    // It is left when the host has found it taken, and waits.
    const leaving: Clock = {
      ...systemClock,
      after: (ms, callback, options) => {
        server.close();
        return systemClock.after(ms, callback, options);
      },
    };
    assert.equal(await portOf(aHost(keeping, undefined, leaving)), port);
  });

  it('moves for good when a stranger has its port', async () => {
    const keeping = new Keeping();
    const { port } = (await stranger()).address() as AddressInfo;
    keeping.state.set('gateway.port', port);
    const moved = await portOf(aHost(keeping, undefined, hasty()));
    assert.notEqual(moved, port);
    assert.equal(keeping.state.get('gateway.port'), moved);
  });

  it('moves for this time when another window of the workspace has its port, which clients know', async () => {
    const keeping = new Keeping();
    const port = await portOf(aHost(keeping));
    const moved = await portOf(aHost(keeping, undefined, hasty()));
    assert.notEqual(moved, port);
    assert.equal(keeping.state.get('gateway.port'), port);
  });

  it('lets nobody in who has the token of another workspace', async () => {
    const [one, two] = [new Keeping(), new Keeping()];
    const here = aHost(one);
    await here.headers();
    for (const [key, value] of one.secretTexts) two.secretTexts.set(key, value);
    const there = await aHost(two).headers();
    assert.notDeepEqual(there, await here.headers());
    const [only] = await here.servers();
    const answer = await fetch(only?.url ?? '', { method: 'POST', headers: there, body: '{}' });
    assert.equal(answer.status, 401);
  });

  it('keeps one secret, whatever number of workspaces there are', async () => {
    const keeping = new Keeping();
    await aHost(keeping).headers();
    keeping.state.clear();
    await aHost(keeping).headers();
    assert.equal(keeping.secretTexts.size, 1);
  });

  describe('that was reloaded', () => {
    let server: ScriptedServer;

    beforeEach(async () => {
      server = await ScriptedServer.start();
      toEnd.push(() => server.close());
      fleet.apply([config('a', server.url)]);
    });

    /** Of the clients, not the fleet's own. */
    const initializes = () =>
      server.count(({ message, rpc }) => {
        const info = message?.params?.clientInfo as { name?: string } | undefined;
        return rpc === 'initialize' && info?.name !== 'fleet-test';
      });

    it('serves its clients on, each in the session that it had here and at the server', async () => {
      const keeping = new Keeping();
      const first = aHost(keeping, server.url);
      await using client = await plain(await meeting(first));
      assert.equal(await client.call('count', { key: 'a' }), 'ran a');
      const { sessionId } = client.transport;
      await first.close();
      await aHost(keeping, server.url).servers();
      assert.equal(await client.call('count', { key: 'b' }), 'ran b');
      assert.equal(client.transport.sessionId, sessionId);
      const [before, after] = ['a', 'b'].map((key) => server.requests.find((each) => each.key === key));
      assert.equal(after?.sessionId, before?.sessionId);
      assert.deepEqual([initializes(), server.count({ method: 'DELETE' })], [1, 0]);
    });

    it('keeps sessions as secrets, and those of a workspace that nobody opens for two days only', async () => {
      const keeping = new Keeping();
      const first = aHost(keeping, server.url);
      await using client = await plain(await meeting(first));
      await client.call('count', { key: 'a' });
      const id = server.requests.find(({ key }) => key === 'a')?.sessionId ?? '';
      await first.close();
      const kept = [...keeping.secretTexts].filter(([, text]) => text.includes(id));
      assert.equal(kept.length, 1);
      assert.ok(!JSON.stringify([...keeping.state, ...keeping.userState]).includes(id));
      const another = new GatewayKeeping({ ...keeping, workspaceState: new Keeping().workspaceState });
      await another.forgetOld(Date.now());
      assert.ok(keeping.secretTexts.has(kept[0]?.[0] ?? ''));
      await another.forgetOld(Date.now() + 2 * 24 * 60 * 60_000);
      assert.ok(!keeping.secretTexts.has(kept[0]?.[0] ?? ''));
      assert.deepEqual([...keeping.userState.values()], [{}]);
      await client[Symbol.asyncDispose]();
    });
  });

  it('is closed for good', async () => {
    const host = aHost(new Keeping());
    await host.close();
    await assert.rejects(host.servers(), { code: 'CONNECTION_CLOSED' });
  });
});
