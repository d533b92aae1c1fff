import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LogOutputChannel } from 'vscode';
import { type Clock, systemClock } from '../../src/base/environment.ts';
import { plain } from '../gateway/gateways.ts';
import type { Fleet } from '../hub/fleets.ts';
import { config, realFleet } from '../hub/fleets.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { GatewayHost, GatewayState } from './editor-double/load.ts';
import { Keeping, window } from './editor-double/vscode.ts';

describe('the gateway of a window', () => {
  const toEnd: (() => Promise<unknown>)[] = [];
  let fleet: Fleet;
  let moves: number;

  beforeEach(() => {
    moves = 0;
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
    fleet = realFleet();
    const host = new GatewayHost({
      hub: fleet,
      log,
      keeping: new GatewayState(keeping),
      storage: keeping.globalStorageUri.fsPath,
      workspace: 'notes',
      onMoved: () => {
        moves += 1;
      },
      ...(clock && { clock }),
    });
    toEnd.push(() => host.close());
    fleet.apply([config('a', url)]);
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

  async function stranger(
    port = 0,
    answer: RequestListener = (_, response) => void response.end('hello'),
  ): Promise<Server> {
    const server = createServer(answer);
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

  describe('and its token', () => {
    const postTo = async (host: InstanceType<typeof GatewayHost>, headers: Record<string, string>) => {
      const [only] = await host.servers();
      const answer = await fetch(only?.url ?? '', { method: 'POST', headers, body: '{}' });
      return answer.status;
    };

    it('goes with the port: whoever has caught it at the one that a stranger has now opens nothing', async () => {
      const keeping = new Keeping();
      const first = aHost(keeping);
      const caught = await first.headers();
      assert.notEqual(await postTo(first, caught), 401);
      const port = await portOf(first);
      await first.close();
      await stranger(port);
      const second = aHost(keeping, undefined, hasty());
      assert.equal(await postTo(second, caught), 401);
      assert.notEqual(await postTo(second, await second.headers()), 401);
    });

    it('is the same at the same port, and another at every other', async () => {
      const keeping = new Keeping();
      const { tokenAt } = await new GatewayState(keeping).credentials(assert.fail);
      const later = await new GatewayState(keeping).credentials(assert.fail);
      assert.equal(later.tokenAt(1024), tokenAt(1024));
      assert.equal(new Set([tokenAt(1024), tokenAt(1025), tokenAt(10_241)]).size, 3);
      assert.ok(
        ![later.proofKey, Buffer.from(later.sessionKey).toString('base64url')].includes(tokenAt(1024)),
      );
    });

    it('is left for ever with the port, also where the gateway is given that again by chance', async () => {
      const keeping = new Keeping();
      const first = aHost(keeping);
      const caught = await first.headers();
      const port = await portOf(first);
      await first.close();
      const there = await stranger(port);
      const second = aHost(keeping, undefined, hasty());
      await second.servers();
      await second.close();
      there.close();
      await once(there, 'close');
      keeping.state.set('gateway.port', port);
      const third = aHost(keeping);
      assert.equal(await portOf(third), port);
      assert.equal(await postTo(third, caught), 401);
    });

    it('has been given to clients: they are told of the move once', async () => {
      const keeping = new Keeping();
      const first = aHost(keeping);
      await first.headers();
      const port = await portOf(first);
      await first.close();
      await stranger(port);
      const second = aHost(keeping, undefined, hasty());
      await second.servers();
      assert.equal(moves, 1);
      await second.close();
      await aHost(keeping).servers();
      assert.equal(moves, 1);
    });

    it('was given to nobody: nobody is told', async () => {
      const keeping = new Keeping();
      const first = aHost(keeping);
      const port = await portOf(first);
      await first.close();
      await stranger(port);
      const second = aHost(keeping, undefined, hasty());
      assert.notEqual(await portOf(second), port);
      assert.equal(moves, 0);
    });

    it('is not shown to whoever holds the port, who is asked for a proof; a realm is none', async () => {
      const keeping = new Keeping();
      const asked: (string | undefined)[] = [];
      const headers: unknown[] = [];
      const liar = await stranger(0, (request, response) => {
        asked.push(request.url);
        headers.push(request.headers.authorization);
        response.writeHead(401, { 'www-authenticate': 'Bearer realm="resilient-mcp gateway"' }).end();
      });
      const { port } = liar.address() as AddressInfo;
      keeping.state.set('gateway.port', port);
      const moved = await portOf(aHost(keeping, undefined, hasty()));
      assert.equal(keeping.state.get('gateway.port'), moved);
      assert.match(asked.join(' '), /^\/proof\?nonce=[\w-]{43}$/);
      assert.deepEqual(headers, [undefined]);
    });

    it('is no use at the gateway of another workspace, which is a stranger like any other', async () => {
      const [keeping, other] = [new Keeping(), new Keeping()];
      const there = aHost(other);
      keeping.state.set('gateway.port', await portOf(there));
      for (const [key, value] of other.secretTexts) keeping.secretTexts.set(key, value);
      const here = aHost(keeping, undefined, hasty());
      const port = await portOf(here);
      assert.equal(keeping.state.get('gateway.port'), port);
      assert.equal(await postTo(there, await here.headers()), 401);
      assert.equal(moves, 1);
    });

    it('is renewed: the one before is refused at once, and after a reload', async () => {
      const keeping = new Keeping();
      const first = aHost(keeping);
      const before = await first.headers();
      await first.renewToken();
      const after = await first.headers();
      assert.equal(await postTo(first, before), 401);
      assert.notEqual(await postTo(first, after), 401);
      await first.close();
      const second = aHost(keeping);
      assert.equal(await postTo(second, before), 401);
      assert.deepEqual(await second.headers(), after);
    });
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
      const ends = server.requests.filter(
        ({ method, sessionId: id }) => method === 'DELETE' && id === before?.sessionId,
      );
      assert.deepEqual([initializes(), ends.length], [1, 0]);
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
      const another = new GatewayState({ ...keeping, workspaceState: new Keeping().workspaceState });
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
