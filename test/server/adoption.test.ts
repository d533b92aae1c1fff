import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect as connectTo } from 'node:net';
import { text } from 'node:stream/consumers';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SubscribeRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { MemoryStore, type SessionRequest } from '../../src/server/index.ts';
import { settle } from '../support/held-clock.ts';
import { initialize, open, ping, refusal, type Served, type ServedOptions, served } from './served.ts';

const accept = 'application/json, text/event-stream';
const day = 24 * 60 * 60_000;
const call = (name: string, args: object = {}) => ({
  jsonrpc: '2.0',
  id: 8,
  method: 'tools/call',
  params: { name, arguments: args },
});

/** Opens a session at one server, lets that go, and starts the next with the same key; gives the id. */
async function restarted(first: ServedOptions = {}, second = first): Promise<[id: string, next: Served]> {
  const server = await served(first);
  const id = await open(server);
  await server[Symbol.asyncDispose]();
  return [id, await served(second)];
}

const decoded = (text: string) => Buffer.from(text, 'base64url').toString('latin1');

/** Says who it is by a header, as an authorization middleware would by a token. */
const byHeader: ServedOptions = { principalOf: (_, request) => request.headers.get('x-user') ?? undefined };

describe('a session of an earlier process', () => {
  it('comes to the factory with what its client said of itself and has set, as data', async () => {
    const store = new MemoryStore();
    const asked: SessionRequest[] = [];
    const factory = (request: SessionRequest) => {
      asked.push(request);
      const server = new McpServer({ name: 'asked', version: '1.0.0' }, { capabilities: { logging: {} } });
      return server;
    };
    const first = await served({ factory, store });
    const id = await open(first);
    const level = { jsonrpc: '2.0', id: 5, method: 'logging/setLevel', params: { level: 'error' } };
    await (await first.post(level, { 'mcp-session-id': id })).text();
    await first[Symbol.asyncDispose]();
    await using next = await served({ factory, store });
    await (await next.post(ping, { 'mcp-session-id': id })).text();
    const { protocolVersion, capabilities, clientInfo } = initialize.params;
    const handshake = { protocolVersion, capabilities, clientInfo };
    assert.deepEqual(
      asked.map((each) => [each.reason, each.handshake, each.settings]),
      [
        ['new', handshake, undefined],
        ['adopted', handshake, { logLevel: 'error', subscriptions: [] }],
      ],
    );
  });

  it('is served under the same id, by a server that was made for it', async () => {
    const asked: SessionRequest[] = [];
    const factory = (request: SessionRequest) => {
      asked.push(request);
      return new McpServer({ name: 'asked', version: '1.0.0' });
    };
    const [id, server] = await restarted({}, { factory });
    await using _ = server;
    const answer = await server.post(ping, { 'mcp-session-id': id });
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /"id":7/);
    assert.deepEqual(
      asked.map(({ reason, sessionId }) => [reason, sessionId]),
      [['adopted', id]],
    );
    assert.equal(server.manager.sessions, 1);
  });

  it('is brought back once, however many of its requests come at once', async () => {
    let made = 0;
    const go = Promise.withResolvers<void>();
    const factory = async () => {
      made += 1;
      await go.promise;
      return new McpServer({ name: 'slow', version: '1.0.0' });
    };
    const [id, server] = await restarted({}, { factory });
    await using _ = server;
    const headers = { 'mcp-session-id': id, accept, 'content-type': 'application/json' };
    const bodyOf = (nth: number) => JSON.stringify({ ...ping, id: nth });
    // Past node:http, so that all of them have looked for the session before the first has made it.
    const posts = Array.from({ length: 20 }, (_each, nth) =>
      server.manager.handle(new Request(server.url, { method: 'POST', headers, body: bodyOf(nth) })),
    );
    const stream = fetch(server.url, { headers: { ...headers, accept: 'text/event-stream' } });
    while (made === 0) await settle();
    await settle();
    go.resolve();
    const answers = await Promise.all([...posts, stream]);
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.deepEqual([made, server.manager.sessions], [1, 1]);
    await (await stream).body?.cancel();
  });

  it('comes back with its GET stream too, which may be the first to ask', async () => {
    const [id, server] = await restarted();
    await using _ = server;
    const leave = new AbortController();
    const headers = { 'mcp-session-id': id, accept: 'text/event-stream' };
    const stream = await fetch(server.url, { headers, signal: leave.signal });
    assert.equal(stream.status, 200);
    assert.equal(server.manager.sessions, 1);
    leave.abort();
  });

  it('is over when it was ended, also when nobody holds it', async () => {
    const store = new MemoryStore();
    const [id, server] = await restarted({ store });
    await using _ = server;
    const headers = { 'mcp-session-id': id };
    assert.equal((await fetch(server.url, { method: 'DELETE', headers })).status, 200);
    assert.equal(server.manager.sessions, 0);
    assert.deepEqual(await refusal(await server.post(ping, headers)), [404, -32001, 7]);
    await using third = await served({ store });
    assert.deepEqual(await refusal(await third.post(ping, headers)), [404, -32001, 7]);
    assert.equal((await fetch(third.url, { method: 'DELETE', headers })).status, 404);
  });

  it('is over once its DELETE is answered, and not answered before the store knows of it', async () => {
    const store = new MemoryStore();
    const [set, asked, go] = [
      store.set.bind(store),
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
    ];
    store.set = async (...kept) => {
      asked.resolve();
      await go.promise;
      return set(...kept);
    };
    await using server = await served({ store });
    const headers = { 'mcp-session-id': await open(server) };
    let isAnswered = false;
    const answer = server.manager
      .handle(new Request(server.url, { method: 'DELETE', headers }))
      .then((response) => {
        isAnswered = true;
        return response.status;
      });
    await asked.promise;
    for (let turn = 0; turn < 20; turn += 1) await settle();
    assert.equal(isAnswered, false);
    go.resolve();
    assert.equal(await answer, 200);
  });

  it('is not revived by initialize: that is a wish for a new one', async () => {
    const [id, server] = await restarted();
    await using _ = server;
    const answer = await server.post(initialize, { 'mcp-session-id': id });
    assert.equal(answer.status, 200);
    assert.notEqual(answer.headers.get('mcp-session-id'), id);
    assert.equal(server.manager.sessions, 1);
  });

  it('is over when its id is older than maxAgeMs, held or not', async () => {
    await using server = await served({ maxAgeMs: day, idleMs: 10 * day });
    const headers = { 'mcp-session-id': await open(server) };
    await server.clock.advance(day);
    assert.equal((await server.post(ping, headers)).status, 200);
    await server.clock.advance(1001);
    assert.deepEqual(await refusal(await server.post(ping, headers)), [404, -32001, 7]);
    assert.equal(server.manager.sessions, 0);
    assert.deepEqual(await refusal(await server.post(ping, headers)), [404, -32001, 7]);
  });

  it('does not exist for another principal, held or not', async () => {
    const first = await served(byHeader);
    const opening = await first.post(initialize, { 'x-user': 'ann' });
    const id = opening.headers.get('mcp-session-id') ?? '';
    await opening.text();
    await using second = await served(byHeader);
    for (const server of [first, second]) {
      for (const user of [{ 'x-user': 'bob' }, {}]) {
        const headers = { ...user, 'mcp-session-id': id } as Record<string, string>;
        assert.deepEqual(await refusal(await server.post(ping, headers)), [404, -32001, 7]);
        assert.equal((await fetch(server.url, { method: 'DELETE', headers })).status, 404);
        assert.equal((await fetch(server.url, { headers })).status, 404);
      }
      assert.equal((await server.post(ping, { 'x-user': 'ann', 'mcp-session-id': id })).status, 200);
    }
    await first[Symbol.asyncDispose]();
  });

  it('means nothing to a server with another key or scope, or that adopts none', async () => {
    const others = [
      { key: 'another key, of 32 characters or more' },
      { scope: 'notes' },
      { adoptSessions: false },
    ];
    for (const options of others) {
      const [id, server] = await restarted({}, options);
      await using _ = server;
      assert.deepEqual(await refusal(await server.post(ping, { 'mcp-session-id': id })), [404, -32001, 7]);
      assert.equal(server.manager.sessions, 0);
    }
  });

  it('is not opened by any of 10,000 random ids, nor by what was made from a good one', async () => {
    await using server = await served();
    const [nonce, payload, signature] = (await open(server)).split('.');
    const url = `${server.url}`;
    const send = (id: string) =>
      server.manager.handle(
        new Request(url, {
          method: 'POST',
          headers: { 'mcp-session-id': id, host: 'localhost' },
          body: JSON.stringify(ping),
        }),
      );
    for (let count = 0; count < 10_000; count += 1) {
      const random = randomBytes(24).toString('base64url');
      const id =
        [random, `${random}.${payload}.${signature}`, `${nonce}.${payload}.${random}`][count % 3] ?? '';
      assert.equal((await send(id)).status, 404);
    }
    assert.equal(server.manager.sessions, 1);
  });

  it('keeps a handshake that is too large for an id in the store', async () => {
    const large = { ...initialize.params, clientInfo: { name: 'x'.repeat(5000), version: '1' } };
    const names: unknown[] = [];
    const factory = () => {
      const server = new McpServer({ name: 'named', version: '1.0.0' });
      server.registerTool('name', {}, () => {
        names.push(server.server.getClientVersion()?.name.length);
        return { content: [] };
      });
      return server;
    };
    const store = new MemoryStore();
    const first = await served({ store, factory });
    const opening = await first.post({ ...initialize, params: large });
    await opening.text();
    const id = opening.headers.get('mcp-session-id') ?? '';
    assert.ok(id.length < 200);
    await first[Symbol.asyncDispose]();
    await using second = await served({ store, factory });
    await (await second.post(call('name'), { 'mcp-session-id': id })).text();
    assert.deepEqual(names, [5000]);
    await using third = await served();
    assert.deepEqual(await refusal(await third.post(ping, { 'mcp-session-id': id })), [404, -32001, 7]);
  });

  it('comes back with its log level and its subscriptions, as they were last', async () => {
    const heard: unknown[] = [];
    const factory = () => {
      const server = new McpServer(
        { name: 'settings', version: '1.0.0' },
        { capabilities: { logging: {}, resources: { subscribe: true } } },
      );
      server.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
        heard.push(params.uri);
        return {};
      });
      server.registerTool('log', {}, async () => {
        for (const level of ['info', 'error'] as const) {
          await server.server.sendLoggingMessage({ level, data: level }, server.server.transport?.sessionId);
        }
        return { content: [] };
      });
      return server;
    };
    const options = { factory, store: new MemoryStore() };
    const first = await served(options);
    const headers = { 'mcp-session-id': await open(first) };
    const say = async (server: Served, method: string, params: object) =>
      assert.doesNotMatch(await (await server.post({ ...ping, method, params }, headers)).text(), /"error":/);
    await say(first, 'logging/setLevel', { level: 'error' });
    await say(first, 'resources/subscribe', { uri: 'note://a' });
    await say(first, 'resources/subscribe', { uri: 'note://b' });
    await first[Symbol.asyncDispose]();
    await using second = await served(options);
    const stream = await fetch(second.url, { headers: { ...headers, accept: 'text/event-stream' } });
    assert.deepEqual(heard, ['note://a', 'note://b', 'note://a', 'note://b']);
    await (await second.post(call('log'), headers)).text();
    const { value } = (await stream.body?.getReader().read()) ?? {};
    assert.match(new TextDecoder().decode(value), /"level":"error"/);
  });

  it('gives its state to the factory of the next process, and none that is too large', async () => {
    const found: unknown[] = [];
    const factory = (session: SessionRequest) => {
      found.push(session.state);
      const server = new McpServer({ name: 'state', version: '1.0.0' });
      server.registerTool('set', { inputSchema: { value: z.string() } }, async ({ value }) => {
        await session.setState({ value, at: new Date(0) });
        found.push(session.state);
        return { content: [] };
      });
      return server;
    };
    const options = { factory, store: new MemoryStore(), maxStateLength: 100 };
    const first = await served(options);
    const headers = { 'mcp-session-id': await open(first) };
    await (await first.post(call('set', { value: 'x' }), headers)).text();
    const tooLarge = await (await first.post(call('set', { value: 'x'.repeat(100) }), headers)).text();
    assert.match(tooLarge, /maxStateLength/);
    await first[Symbol.asyncDispose]();
    await using second = await served(options);
    await (await second.post(ping, headers)).text();
    const state = { value: 'x', at: '1970-01-01T00:00:00.000Z' };
    assert.deepEqual(found, [undefined, state, state]);
  });

  it('answers 503 while it cannot be brought back, and is brought back when it can', async () => {
    let works = false;
    const factory = () => {
      const server = new McpServer({ name: 'trouble', version: '1.0.0' });
      const connect = server.connect.bind(server);
      // Takes its messages and answers none, as a relay does whose upstream is away.
      const mute = async (transport: Parameters<typeof connect>[0]) => transport.start();
      return works ? server : { connect: mute };
    };
    const [id, server] = await restarted({}, { factory, adoptionTimeoutMs: 1000, adoptionLimitMs: 5000 });
    await using _ = server;
    const refused = server.post(ping, { 'mcp-session-id': id });
    while (server.manager.sessions === 0) await settle();
    await settle();
    await server.clock.advance(1000);
    assert.equal((await refused).headers.get('retry-after'), '5');
    assert.deepEqual(await refusal(await refused), [503, -32000, 7]);
    await server.clock.advance(4000);
    assert.equal(server.manager.sessions, 0);
    works = true;
    assert.equal((await server.post(ping, { 'mcp-session-id': id })).status, 200);
  });

  it('is begun once at a server that takes longer than a request waits, and there for the next that comes', async () => {
    let made = 0;
    const go = Promise.withResolvers<void>();
    const factory = async () => {
      made += 1;
      await go.promise;
      return new McpServer({ name: 'slow', version: '1.0.0' });
    };
    const [id, server] = await restarted({}, { factory, adoptionTimeoutMs: 1000 });
    await using _ = server;
    const headers = { 'mcp-session-id': id };
    for (let nth = 1; nth <= 2; nth++) {
      const refused = server.post(ping, headers);
      await server.clock.isSet(1000);
      await server.clock.advance(1000);
      const { status, headers: answered } = await refused;
      assert.deepEqual([status, answered.get('retry-after')], [503, '5']);
    }
    const waiting = server.post(ping, headers);
    await server.clock.isSet(1000);
    go.resolve();
    assert.equal((await waiting).status, 200);
    assert.deepEqual([made, server.manager.sessions], [1, 1]);
  });

  it('does not take an answer to a question of the last process for one of its own', async () => {
    const heard: unknown[] = [];
    const factory = () => {
      const server = new McpServer({ name: 'asking', version: '1.0.0' });
      server.server.onerror = (error) => heard.push(error.message);
      server.registerTool('ask', {}, async () => {
        heard.push(await server.server.ping());
        return { content: [] };
      });
      return server;
    };
    const [id, server] = await restarted({ factory });
    await using _ = server;
    const headers = { 'mcp-session-id': id };
    const stream = await fetch(server.url, { headers: { ...headers, accept: 'text/event-stream' } });
    const asked = server.post(call('ask'), headers);
    const reader = stream.body?.getReader();
    const question = new TextDecoder().decode((await reader?.read())?.value);
    const questionId: string = JSON.parse(/^data: (.*)$/m.exec(question)?.[1] ?? '{}').id;
    const stale = questionId.replace(/^\w+/, 'ofanotherprocess');
    for (const other of [0, '0', 'x', stale]) {
      assert.equal(
        (await server.post({ jsonrpc: '2.0', id: other, result: { wrong: true } }, headers)).status,
        202,
      );
    }
    await server.post({ jsonrpc: '2.0', id: questionId, result: {} }, headers);
    await (await asked).text();
    assert.deepEqual(heard, [{}]);
    await reader?.cancel();
  });
});

describe('the policy for ids that we did not sign', () => {
  const replace: ServedOptions = { unknownSession: 'replace', aliasMs: 1000 };
  const unknown = { 'mcp-session-id': 'of-a-server-before-this-one' };

  it('serves the request in a new session, whose id is in the answer, and takes the old one for it', async () => {
    const reasons: string[] = [];
    const factory = ({ reason }: SessionRequest) => {
      reasons.push(reason);
      return new McpServer({ name: 'replacing', version: '1.0.0' });
    };
    await using server = await served({ ...replace, factory });
    const posts = Array.from({ length: 10 }, (_, nth) => server.post({ ...ping, id: nth }, unknown));
    const answers = await Promise.all(posts);
    const ids = new Set(answers.map(({ headers }) => headers.get('mcp-session-id')));
    for (const answer of answers) assert.match(await answer.text(), /"result":\{\}/);
    assert.equal(ids.size, 1);
    const [id] = ids;
    assert.notEqual(id, unknown['mcp-session-id']);
    assert.equal((await server.post(ping, { 'mcp-session-id': id ?? '' })).status, 200);
    assert.deepEqual([reasons, server.manager.sessions], [['replaced'], 1]);
  });

  it('takes it no longer than aliasMs', async () => {
    await using server = await served(replace);
    const first = (await server.post(ping, unknown)).headers.get('mcp-session-id');
    await server.clock.advance(999);
    assert.equal((await server.post(ping, unknown)).headers.get('mcp-session-id'), first);
    await server.clock.advance(1);
    assert.notEqual((await server.post(ping, unknown)).headers.get('mcp-session-id'), first);
  });

  it('takes it for as long when the wall clock jumps', async () => {
    await using server = await served(replace);
    const first = (await server.post(ping, unknown)).headers.get('mcp-session-id');
    server.clock.jump(3_600_000);
    assert.equal((await server.post(ping, unknown)).headers.get('mcp-session-id'), first);
  });

  it('opens nothing for a stream, an end, a word or an answer', async () => {
    await using server = await served(replace);
    const word = { jsonrpc: '2.0', method: 'notifications/initialized' };
    const answers = [
      await fetch(server.url, { headers: unknown }),
      await fetch(server.url, { headers: unknown, method: 'DELETE' }),
      await server.post(word, unknown),
      await server.post({ jsonrpc: '2.0', id: 1, result: {} }, unknown),
    ];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [404, 404, 404, 404],
    );
    assert.equal(server.manager.sessions, 0);
  });

  it('gives the alias of one principal to nobody else', async () => {
    await using server = await served({ ...replace, ...byHeader });
    const idFor = async (user: string) =>
      (await server.post(ping, { ...unknown, 'x-user': user })).headers.get('mcp-session-id');
    const ann = await idFor('ann');
    assert.equal(await idFor('ann'), ann);
    assert.notEqual(await idFor('bob'), ann);
  });

  /** What proxies, balancers and networks of delivery send (issue 14, §6). */
  const signs = [
    'Forwarded',
    'Via',
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'X-Forwarded-Host',
    'X-Real-IP',
    'X-Client-IP',
    'True-Client-IP',
    'CF-Connecting-IP',
    'CF-Ray',
    'CDN-Loop',
    'X-Envoy-External-Address',
    'X-Original-Host',
    'X-Amzn-Trace-Id',
    'X-Azure-ClientIP',
    'Fastly-Client-IP',
    'Fly-Client-IP',
    'X-Request-Start',
  ];

  it('is refused to who comes by HTTP/1.0, as nginx passes on what it gets: no client of MCP speaks it', async () => {
    await using server = await served(replace);
    const ask = async (version: string) => {
      const socket = connectTo(server.port, '127.0.0.1');
      const body = JSON.stringify(ping);
      const lines = [
        `POST /mcp HTTP/${version}`,
        'Host: localhost',
        'Connection: close',
        'Content-Type: application/json',
        'Accept: application/json, text/event-stream',
        'Mcp-Session-Id: of-a-server-before-this-one',
        `Content-Length: ${body.length}`,
      ];
      socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
      return (await text(socket)).split(' ')[1];
    };
    assert.equal(await ask('1.0'), '404');
    assert.equal(await ask('1.1'), '200');
  });

  it('leaves no id in the clear in the store, and is found again there by the next process (issue 14, §6)', async () => {
    const store = new MemoryStore();
    const kept: string[] = [];
    const set = store.set.bind(store);
    store.set = (key, value, ttlMs) => {
      kept.push(key, value);
      return set(key, value, ttlMs);
    };
    const first = await served({ ...replace, store });
    const id = (await first.post(ping, unknown)).headers.get('mcp-session-id') ?? assert.fail();
    await first[Symbol.asyncDispose]();
    for (const each of [id, unknown['mcp-session-id']]) {
      for (const text of kept) assert.ok(!text.includes(each) && !decoded(text).includes(each), text);
    }
    await using second = await served({ ...replace, store });
    assert.equal((await second.post(ping, unknown)).headers.get('mcp-session-id'), id);
    const otherKey = 'another key, which has at least 32 characters';
    await using third = await served({ ...replace, store, key: otherKey });
    assert.notEqual((await third.post(ping, unknown)).headers.get('mcp-session-id'), id);
  });

  it('is refused to who is neither on this machine nor authorized', async () => {
    const options = { ...replace, ...byHeader, allowedHosts: ['mcp.example', 'localhost'] };
    await using server = await served(options);
    const send = async (headers: Record<string, string>, remoteAddress?: string) => {
      const all = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
      const request = new Request('http://localhost/mcp', {
        method: 'POST',
        body: JSON.stringify(ping),
        headers: { ...all, ...unknown, ...headers },
      });
      return (await server.manager.handle(request, { remoteAddress })).status;
    };
    assert.equal(await send({ host: 'mcp.example' }), 404);
    assert.equal(await send({ host: 'localhost' }, '192.0.2.7'), 404);
    for (const name of signs) {
      assert.equal(await send({ host: 'localhost', [name]: 'x' }, '127.0.0.1'), 404, name);
    }
    assert.equal(server.manager.sessions, 0);
    assert.equal(await send({ host: 'mcp.example', 'x-user': 'ann' }, '192.0.2.7'), 200);
    assert.equal(await send({ host: 'localhost' }, '::ffff:127.0.0.1'), 200);
  });

  it('revives neither an ended nor an expired session of ours', async () => {
    await using server = await served({ ...replace, maxAgeMs: day, idleMs: 3 * day });
    const [ended, old] = [await open(server), await open(server)];
    await fetch(server.url, { method: 'DELETE', headers: { 'mcp-session-id': ended } });
    assert.equal((await server.post(ping, { 'mcp-session-id': ended })).status, 404);
    await server.clock.advance(2 * day);
    assert.equal((await server.post(ping, { 'mcp-session-id': old })).status, 404);
  });
});
