import assert from 'node:assert/strict';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { MemoryStore, type SessionRequest } from '../../src/server/index.ts';
import { settle } from '../support/held-clock.ts';
import { initialize, open, ping, refusal, type Served, served } from './served.ts';

/** Servers that wait when they are called, and how many of them are held. */
function waiting() {
  const made: string[] = [];
  const live = new Set<string>();
  const going: (() => void)[] = [];
  const factory = ({ sessionId, setState }: SessionRequest) => {
    made.push(sessionId);
    live.add(sessionId);
    const server = new McpServer({ name: 'waiting', version: '1.0.0' });
    server.server.onclose = () => live.delete(sessionId);
    server.registerTool('wait', {}, async () => {
      await new Promise<void>((resolve) => going.push(resolve));
      return { content: [] };
    });
    server.registerTool('keep', {}, async () => {
      await setState('kept');
      return { content: [] };
    });
    return server;
  };
  return { factory, made, live, going };
}

const call = (name: string) => ({ jsonrpc: '2.0', id: 8, method: 'tools/call', params: { name } });
const session = (id: string) => ({ 'mcp-session-id': id });
const serves = async (server: Served, id: string) =>
  assert.match(await (await server.post(ping, session(id))).text(), /"id":7/);

describe('room for one more session (issue 14, §5)', () => {
  it('2,000 clients that never say goodbye: the next is served, no more than maxSessions servers are held, and every id stays good', async () => {
    const { factory, live } = waiting();
    await using server = await served({ factory, maxSessions: 50 });
    const ids: string[] = [];
    while (ids.length < 2000)
      ids.push(...(await Promise.all(Array.from({ length: 25 }, () => open(server)))));
    assert.equal(live.size, 50);
    assert.equal(server.manager.sessions, 50);
    for (const id of [ids[0], ids[1000], ids[1999]]) await serves(server, id ?? '');
    assert.equal(server.manager.sessions, 50);
    const [record] = server.log.filter(({ event }) => event === 'sessionHibernated');
    assert.equal(record?.reason, 'idle for longest, where another wanted its place');
    assert.equal(server.clock.pending, 50);
  });

  it('is made by the session that was idle for longest, not by the one that was opened first', async () => {
    const { factory, live } = waiting();
    await using server = await served({ factory, maxSessions: 3 });
    const ids: string[] = [];
    for (let count = 0; count < 3; count++) {
      ids.push(await open(server));
      await server.clock.advance(1000);
    }
    await serves(server, ids[0] ?? '');
    const fourth = await open(server);
    assert.deepEqual([...live].sort(), [ids[0], ids[2], fourth].sort());
  });

  it('is not made by a session with a call under way; where all have one, the new client is told when to come again', async () => {
    const { factory, live, going } = waiting();
    await using server = await served({ factory, maxSessions: 2, retryAfterSeconds: 9 });
    const ids = [await open(server), await open(server)];
    const work = await Promise.all(ids.map((id) => server.post(call('wait'), session(id))));
    while (going.length < 2) await settle();
    await server.clock.advance(10_000);
    const refused = await server.post(initialize);
    assert.equal(refused.headers.get('retry-after'), '9');
    assert.deepEqual(await refusal(refused), [503, -32000, 'first']);
    assert.deepEqual([...live], ids);
    going[0]?.();
    await work[0]?.text();
    const next = await open(server);
    assert.deepEqual([...live], [ids[1], next]);
    going[1]?.();
    await work[1]?.text();
  });

  it('is made by a client that does nothing but listen where none is idle, for one that asks and not for one that listens', async () => {
    const { factory, live } = waiting();
    await using server = await served({ factory, maxSessions: 2 });
    const listen = (id: string) =>
      fetch(server.url, { headers: { ...session(id), accept: 'text/event-stream' } });
    const ids: string[] = [];
    const streams: Response[] = [];
    for (let count = 0; count < 2; count++) {
      ids.push(await open(server));
      streams.push(await listen(ids[count] ?? ''));
      await server.clock.advance(600);
    }
    // The one that listens for longest has a call a moment ago, the other not for a second yet.
    await serves(server, ids[0] ?? '');
    assert.equal((await server.post(initialize)).status, 503);
    await server.clock.advance(500);
    const third = await open(server);
    assert.deepEqual([...live], [ids[0], third]);
    assert.equal(await streams[1]?.text(), '');
    streams.push(await listen(third));
    await server.clock.advance(5000);
    assert.equal((await listen(ids[1] ?? '')).status, 503);
    assert.deepEqual([...live], [ids[0], third]);
    await serves(server, ids[1] ?? '');
    assert.deepEqual([...live].sort(), [third, ids[1]].sort());
    for (const stream of streams) await stream.body?.cancel().catch(() => {});
  });

  it('is not made by a session that is just being opened', async () => {
    const go = Promise.withResolvers<void>();
    const factory = async () => {
      await go.promise;
      return new McpServer({ name: 'slow', version: '1.0.0' });
    };
    await using server = await served({ factory, maxSessions: 1 });
    const first = server.post(initialize);
    while (server.manager.sessions === 0) await settle();
    assert.equal((await server.post(initialize)).status, 503);
    go.resolve();
    assert.equal((await first).status, 200);
  });

  it('is made among the sessions of the one principal that has too many', async () => {
    const { factory, live } = waiting();
    const principalOf = (_: unknown, request: Request) => request.headers.get('x-user') ?? undefined;
    await using server = await served({ factory, maxSessionsPerPrincipal: 2, principalOf });
    const bob = await open(server, { 'x-user': 'bob' });
    const ann: string[] = [];
    for (let count = 0; count < 3; count++) {
      await server.clock.advance(1000);
      ann.push(await open(server, { 'x-user': 'ann' }));
    }
    assert.deepEqual([...live], [bob, ann[1], ann[2]]);
  });

  it('is not made by a session of which the store does not take what it needs', async () => {
    const { factory, live } = waiting();
    const store = new MemoryStore();
    store.set = async () => {
      throw new Error('the disk is full');
    };
    await using server = await served({ factory, store, maxSessions: 2 });
    const kept = await open(server);
    await (await server.post(call('keep'), session(kept))).text();
    await server.clock.advance(1000);
    const other = await open(server);
    const third = await open(server);
    assert.deepEqual([...live], [kept, third]);
    assert.ok(!live.has(other));
  });

  it('is made where sessions are not adopted, too: then the client of the one starts over', async () => {
    const { factory } = waiting();
    await using server = await served({ factory, maxSessions: 1, adoptSessions: false });
    const first = await open(server);
    await open(server);
    assert.deepEqual(await refusal(await server.post(ping, session(first))), [404, -32001, 7]);
  });
});
