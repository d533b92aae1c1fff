import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { HeldClock, settle } from '../support/held-clock.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { type Opened, opened, plain, WireTo } from './gateways.ts';

const portOf = ({ url }: Opened) => Number(new URL(url).port);

async function silent(gateway: Opened): Promise<Socket> {
  const socket = connect(portOf(gateway), '127.0.0.1');
  socket.on('error', () => {}).resume();
  await once(socket, 'connect');
  return socket;
}

/** A connection of its own that was answered, and is kept: what a client holds that has called at once very often. */
async function answered(gateway: Opened, agent: Agent): Promise<void> {
  const asked = request(gateway.url, { agent, method: 'GET', headers: gateway.authorization }).end();
  const [response] = await once(asked, 'response');
  response.resume();
  await once(response, 'end');
}

describe('the connections of a gateway', () => {
  it('that are idle make room for a new client, the one that was idle longest first (findings F1)', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url, { maxConnections: 20 });
    const agents = Array.from({ length: 20 }, () => new Agent({ keepAlive: true }));
    for (const agent of agents) await answered(gateway, agent);
    await using client = await plain(gateway);
    assert.equal(await client.call('count', { key: 'a' }), 'ran a');
    const kept = agents.map((agent) => Object.keys(agent.freeSockets).length);
    assert.equal(kept[0], 0);
    assert.equal(kept.at(-1), 1);
    assert.deepEqual(
      gateway.log.filter(({ event }) => event === 'connectionRefused'),
      [],
    );
    for (const agent of agents) agent.destroy();
  });

  it('that have shown no token make room first, the oldest of them first, and a record says so', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using gateway = await opened(server.url, { maxConnections: 20, clock });
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    await answered(gateway, kept);
    const sockets: Socket[] = [];
    while (sockets.length < 19) sockets.push(await silent(gateway));
    await clock.advance(1000);
    const [oldest] = sockets;
    assert.ok(oldest);
    const closed = once(oldest, 'close');
    const newcomer = new WireTo(gateway);
    await newcomer.open();
    await closed;
    assert.equal(Object.keys(kept.freeSockets).length, 1);
    const [record] = gateway.log.filter(({ event }) => event === 'connectionRefused');
    assert.match(record?.reason ?? '', /^20 connections are open \(maxConnections\); .*: 1$/);
    kept.destroy();
    for (const socket of sockets) socket.destroy();
  });

  it('that all wait for answers are kept: a new one is closed, and what was closed is told every ten seconds', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using gateway = await opened(server.url, { maxConnections: 3, clock });
    const wire = await new WireTo(gateway).open();
    const hold = server.hold({ tool: 'count' });
    const calls = ['a', 'b', 'c'].map((key) => wire.call(key));
    await server.received({ tool: 'count' }, 3);
    const refused = () => gateway.log.filter(({ event }) => event === 'connectionRefused');
    const turnedAway = async () => {
      const socket = connect(portOf(gateway), '127.0.0.1').on('error', () => {});
      await once(socket.resume(), 'close');
    };
    for (let count = 0; count < 5; count++) await turnedAway();
    assert.equal(refused().length, 1);
    await clock.advance(10_000);
    assert.equal(refused().length, 2);
    assert.match(refused()[1]?.reason ?? '', /: 4$/);
    hold.release();
    for (const call of calls) assert.match(await (await call).text(), /ran/);
    await settle();
  });

  it('2,000 of them without a word keep nobody out (issue 14, §5)', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url, { maxConnections: 200 });
    await using before = await plain(gateway);
    const sockets: Socket[] = [];
    while (sockets.length < 2000)
      sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => silent(gateway)))));
    assert.equal(await before.call('count', { key: 'before' }), 'ran before');
    await using after = await plain(gateway);
    assert.equal(await after.call('count', { key: 'after' }), 'ran after');
    for (const socket of sockets) socket.destroy();
  });
});
