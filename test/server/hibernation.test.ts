import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
  ElicitRequestSchema,
  ElicitResultSchema,
  SubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import {
  isResilientMcpError,
  MemoryStore,
  SessionManager,
  type SessionManagerOptions,
  type SessionRequest,
} from '../../src/server/index.ts';
import { settle } from '../support/held-clock.ts';
import { open, ping, refusal, type Served, served } from './served.ts';

const hibernateAfterMs = 1000;
const call = (name: string, id = 8) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } });

/** Servers that count, in `session.state` alone, and what was made and closed of them. */
function counting() {
  const made: SessionRequest[] = [];
  const closed: SessionRequest[] = [];
  const subscribed: string[] = [];
  const factory = (session: SessionRequest) => {
    made.push(session);
    const capabilities = { logging: {}, resources: { subscribe: true } };
    const server = new McpServer({ name: 'counting', version: '1.0.0' }, { capabilities });
    server.server.onclose = () => closed.push(session);
    server.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
      subscribed.push(params.uri);
      return {};
    });
    server.registerTool('count', {}, async () => {
      const count = Number(session.state ?? 0) + 1;
      await session.setState(count);
      return { content: [{ type: 'text', text: String(count) }] };
    });
    server.registerTool('ask', {}, async ({ sendRequest }) => {
      assert.ok(server.server.getClientCapabilities()?.elicitation);
      const params = { message: 'Sure?', requestedSchema: { type: 'object' as const, properties: {} } };
      const { action } = await sendRequest({ method: 'elicitation/create', params }, ElicitResultSchema);
      return { content: [{ type: 'text', text: action }] };
    });
    return server;
  };
  return { factory, made, closed, subscribed };
}

/** Lets the time pass in which a session of these tests starts to hibernate. */
async function hibernated(server: Served): Promise<void> {
  await server.clock.advance(hibernateAfterMs);
  assert.equal(server.manager.sessions, 0);
}

/** The SDK's client, which can be asked something, without the GET stream that would keep its session awake. */
async function askable(url: string): Promise<Client> {
  const client = new Client({ name: 'askable', version: '1.0.0' }, { capabilities: { elicitation: {} } });
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: {} }));
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    fetch: async (to, init) =>
      init?.method === 'GET' ? new Response(null, { status: 405 }) : fetch(to, init),
  });
  await client.connect(transport as Parameters<Client['connect']>[0]);
  return client;
}

/** Until the server has heard that a client is gone: from then on its session counts the time. */
async function untilIdle(server: Served): Promise<void> {
  while (server.clock.pending === 0) await settle();
}

describe('a session that hibernates', () => {
  it('gives up its server, and is served by another one when its client comes again', async () => {
    const { factory, made, closed } = counting();
    await using server = await served({ factory, hibernateAfterMs });
    const headers = { 'mcp-session-id': await open(server) };
    await (await server.post(call('count'), headers)).text();
    await hibernated(server);
    assert.equal(closed.length, 1);
    assert.match(await (await server.post(call('count'), headers)).text(), /"text":"2"/);
    assert.deepEqual(
      made.map(({ reason, sessionId }) => [reason, sessionId]),
      [
        ['new', headers['mcp-session-id']],
        ['adopted', headers['mcp-session-id']],
      ],
    );
    assert.deepEqual(
      server.log.map(({ event, action }) => [event, action]),
      [
        ['sessionOpened', 'opened'],
        ['sessionHibernated', 'hibernated'],
        ['sessionOpened', 'opened'],
      ],
    );
  });

  it('is not noticed by the client of the SDK, whose capabilities and settings come back', async () => {
    const { factory, subscribed, made } = counting();
    await using server = await served({ factory, hibernateAfterMs });
    const client = await askable(server.url);
    await client.subscribeResource({ uri: 'test://one' });
    await client.setLoggingLevel('debug');
    for (let time = 1; time <= 3; time += 1) {
      await client.callTool({ name: 'count', arguments: {} });
      await hibernated(server);
      const answer = await client.callTool({ name: 'ask', arguments: {} });
      assert.deepEqual(answer.content, [{ type: 'text', text: 'accept' }]);
      assert.deepEqual(
        subscribed,
        Array.from({ length: time + 1 }, () => 'test://one'),
      );
      assert.equal(made.length, time + 1);
    }
    await client.close();
  });

  it('wakes once, however many of its requests come at once', async () => {
    const { factory, made } = counting();
    await using server = await served({ factory, hibernateAfterMs });
    const headers = { 'mcp-session-id': await open(server) };
    await hibernated(server);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, id) => server.post({ ...ping, id }, headers)),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.equal(made.length, 2);
  });

  it('serves a request whose body was on its way when it went to sleep', async () => {
    await using server = await served({ ...counting(), hibernateAfterMs });
    const id = await open(server);
    const headers = {
      'mcp-session-id': id,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    };
    const request = new Request(server.url, { method: 'POST', headers });
    const readBody = async () => {
      await hibernated(server);
      return Buffer.from(JSON.stringify(ping));
    };
    const answer = await server.manager.handle(request, { readBody });
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /"id":7/);
  });

  it('can be ended without being woken', async () => {
    const { factory, made } = counting();
    await using server = await served({ factory, hibernateAfterMs });
    const headers = { 'mcp-session-id': await open(server) };
    await hibernated(server);
    assert.equal((await fetch(server.url, { method: 'DELETE', headers })).status, 200);
    assert.deepEqual(await refusal(await server.post(ping, headers)), [404, -32001, 7]);
    assert.equal(made.length, 1);
  });

  it('is not over after idleMs, but when it is older than maxAgeMs', async () => {
    await using server = await served({ ...counting(), hibernateAfterMs, idleMs: 2000, maxAgeMs: 60_000 });
    const headers = { 'mcp-session-id': await open(server) };
    await server.clock.advance(50_000);
    await (await server.post(ping, headers)).text();
    await server.clock.advance(11_000);
    assert.deepEqual(await refusal(await server.post(ping, headers)), [404, -32001, 7]);
  });

  it('makes room: it is not one of maxSessions', async () => {
    await using server = await served({ ...counting(), hibernateAfterMs, maxSessions: 1 });
    const ids = [];
    for (let count = 0; count < 5; count += 1) {
      ids.push(await open(server));
      await hibernated(server);
    }
    for (const id of ids) {
      assert.equal((await server.post(ping, { 'mcp-session-id': id })).status, 200);
      await hibernated(server);
    }
  });

  it('comes back also when its handshake did not fit into its id', async () => {
    await using server = await served({ ...counting(), hibernateAfterMs, maxSessionIdLength: 128 });
    const client = await askable(server.url);
    await hibernated(server);
    const answer = await client.callTool({ name: 'ask', arguments: {} });
    assert.deepEqual(answer.content, [{ type: 'text', text: 'accept' }]);
    await client.close();
  });
});

describe('a session does not hibernate', () => {
  it('unless it is told to', async () => {
    await using server = await served({ ...counting(), idleMs: 10_000 });
    await open(server);
    await server.clock.advance(9999);
    assert.equal(server.manager.sessions, 1);
  });

  it('while a stream of it is open', async () => {
    await using server = await served({ ...counting(), hibernateAfterMs });
    const headers = { 'mcp-session-id': await open(server), accept: 'text/event-stream' };
    const leave = new AbortController();
    await fetch(server.url, { headers, signal: leave.signal });
    await server.clock.advance(10 * hibernateAfterMs);
    assert.equal(server.manager.sessions, 1);
    leave.abort();
    await untilIdle(server);
    await hibernated(server);
  });

  it('while a call of a client that has gone away still runs', async () => {
    const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const factory = () => {
      const server = new McpServer({ name: 'slow', version: '1.0.0' });
      server.registerTool('wait', {}, async () => {
        begun.resolve();
        await go.promise;
        return { content: [] };
      });
      return server;
    };
    await using server = await served({ factory, hibernateAfterMs });
    const headers = { 'mcp-session-id': await open(server) };
    const answer = await server.post(call('wait'), headers);
    await begun.promise;
    await answer.body?.cancel();
    await untilIdle(server);
    await server.clock.advance(10 * hibernateAfterMs);
    assert.equal(server.manager.sessions, 1);
    go.resolve();
    await settle();
    await hibernated(server);
  });

  it('while its server waits for an answer of the client', async () => {
    const answered = Promise.withResolvers<void>();
    const factory = () => {
      const server = new McpServer({ name: 'asking', version: '1.0.0' });
      server.server.oninitialized = () => void server.server.ping().then(() => answered.resolve());
      return server;
    };
    await using server = await served({ factory, hibernateAfterMs });
    const headers = { 'mcp-session-id': await open(server) };
    const leave = new AbortController();
    const listening = { headers: { ...headers, accept: 'text/event-stream' }, signal: leave.signal };
    const stream = (await fetch(server.url, listening)).body?.getReader();
    await server.post({ jsonrpc: '2.0', method: 'notifications/initialized' }, headers);
    const question = new TextDecoder().decode((await stream?.read())?.value);
    const { id } = JSON.parse(/^data: (.*)$/m.exec(question)?.[1] ?? '{}');
    leave.abort();
    await untilIdle(server);
    await server.clock.advance(10 * hibernateAfterMs);
    assert.equal(server.manager.sessions, 1);
    await server.post({ jsonrpc: '2.0', id, result: {} }, headers);
    await answered.promise;
    await hibernated(server);
  });

  it('before the store has what its id does not carry', async () => {
    const store = new MemoryStore();
    const set = store.set.bind(store);
    let isAway = true;
    store.set = (...kept) => (isAway ? Promise.reject(new Error('the store is away')) : set(...kept));
    await using server = await served({ ...counting(), hibernateAfterMs, store });
    const headers = { 'mcp-session-id': await open(server) };
    await (await server.post(call('count'), headers)).text();
    await server.clock.advance(3 * hibernateAfterMs);
    assert.equal(server.manager.sessions, 1);
    isAway = false;
    await hibernated(server);
    assert.match(await (await server.post(call('count'), headers)).text(), /"text":"2"/);
  });

  it('and is over when it was idle for idleMs, by no wall clock that jumps', async () => {
    const store = new MemoryStore();
    store.set = () => Promise.reject(new Error('the store is away'));
    await using server = await served({
      ...counting(),
      hibernateAfterMs,
      idleMs: 3 * hibernateAfterMs,
      store,
    });
    const headers = { 'mcp-session-id': await open(server) };
    await (await server.post(call('count'), headers)).text();
    server.clock.jump(3_600_000);
    await server.clock.advance(2 * hibernateAfterMs);
    assert.equal(server.manager.sessions, 1);
    await server.clock.advance(hibernateAfterMs);
    assert.equal(server.manager.sessions, 0);
  });

  it('when a request comes while the store is still asked', async () => {
    const store = new MemoryStore();
    const set = store.set.bind(store);
    const [asked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let answers = 0;
    store.set = async (...kept) => {
      answers += 1;
      if (answers === 1) throw new Error('the store is away');
      asked.resolve();
      await go.promise;
      return set(...kept);
    };
    await using server = await served({ ...counting(), hibernateAfterMs, store });
    const headers = { 'mcp-session-id': await open(server) };
    await (await server.post(call('count'), headers)).text();
    const sleeping = server.clock.advance(hibernateAfterMs);
    await asked.promise;
    const leave = new AbortController();
    const stream = { headers: { ...headers, accept: 'text/event-stream' }, signal: leave.signal };
    await fetch(server.url, stream);
    go.resolve();
    await sleeping;
    for (let turn = 0; turn < 5; turn += 1) await settle();
    assert.equal(server.manager.sessions, 1);
    leave.abort();
  });
});

describe('hibernateAfterMs', () => {
  const refused = (options: SessionManagerOptions, words: RegExp) =>
    assert.throws(
      () => new SessionManager(counting().factory, options),
      (error) =>
        isResilientMcpError(error) && error.code === 'INVALID_CONFIGURATION' && words.test(error.message),
    );

  it('has to be a time that is shorter than idleMs', () => {
    refused({ hibernateAfterMs: 0 }, /hibernateAfterMs must be a number over 0/);
    refused({ hibernateAfterMs: 2000, idleMs: 2000 }, /less than idleMs \(2000\)/);
  });

  it('needs sessions that can be adopted', () => {
    refused({ hibernateAfterMs: 1000, adoptSessions: false }, /needs adoptSessions/);
  });
});
