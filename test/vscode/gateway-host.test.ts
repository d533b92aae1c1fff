import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LogOutputChannel } from 'vscode';
import type { Fleet } from '../../src/fleet/fleet.ts';
import type { Clock } from '../../src/session/environment.ts';
import { config, realFleet } from '../fleet/fleets.ts';
import { GatewayHost, GatewayKeeping } from './editor-double/load.ts';
import { Keeping, window } from './editor-double/vscode.ts';

describe('the gateway of a window', () => {
  const toEnd: (() => Promise<unknown>)[] = [];
  let fleet: Fleet;

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
      after: (ms, callback) => {
        now += ms;
        const immediate = setImmediate(callback);
        return () => clearImmediate(immediate);
      },
    };
  }

  function aHost(keeping: Keeping, clock?: Clock): InstanceType<typeof GatewayHost> {
    const log = window.createOutputChannel() as unknown as LogOutputChannel;
    const host = new GatewayHost({
      fleet,
      log,
      keeping: new GatewayKeeping(keeping),
      ...(clock && { clock }),
    });
    toEnd.push(() => host.close());
    host.apply([config('a', 'http://127.0.0.1:9/mcp')]);
    return host;
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
    const host = aHost(keeping);
    server.close();
    assert.equal(await portOf(host), port);
  });

  it('moves for good when a stranger has its port', async () => {
    const keeping = new Keeping();
    const { port } = (await stranger()).address() as AddressInfo;
    keeping.state.set('gateway.port', port);
    const moved = await portOf(aHost(keeping, hasty()));
    assert.notEqual(moved, port);
    assert.equal(keeping.state.get('gateway.port'), moved);
  });

  it('moves for this time when another window of the workspace has its port, which clients know', async () => {
    const keeping = new Keeping();
    const port = await portOf(aHost(keeping));
    const moved = await portOf(aHost(keeping, hasty()));
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

  it('is closed for good', async () => {
    const host = aHost(new Keeping());
    await host.close();
    await assert.rejects(host.servers(), { code: 'CONNECTION_CLOSED' });
  });
});
