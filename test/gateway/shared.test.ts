import assert from 'node:assert/strict';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
  ElicitRequestSchema,
  ElicitResultSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { served } from '../server/served.ts';
import { EventReader } from '../support/event-reader.ts';
import { isFailure } from '../support/failure.ts';
import { rpcError } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import {
  type Opened,
  type OpenedOptions,
  opened,
  type Plain,
  type PlainOptions,
  plain,
  WireTo,
} from './gateways.ts';

const shared = (url: string, options: OpenedOptions = {}): Promise<Opened> =>
  opened(url, { ...options, upstream: { ...options.upstream, shared: true } });

/** Clients with a capability to be asked for their roots; each has one that bears its name. */
const rooted = (name: string, asked: string[] = []): PlainOptions => ({
  client: { capabilities: { roots: {} } },
  prepare: (client) => {
    client.setRequestHandler(ListRootsRequestSchema, () => {
      asked.push(name);
      return { roots: [{ uri: `file:///${name}` }] };
    });
  },
});

/** A client that notes what it is told, and can be waited for. */
async function told(gateway: Opened, methods: readonly string[], options: PlainOptions = {}) {
  const heard: unknown[] = [];
  const waiting = new Set<() => void>();
  const client = await plain(gateway, {
    ...options,
    prepare: (each) => {
      options.prepare?.(each);
      each.fallbackNotificationHandler = async ({ method, params }) => {
        if (!methods.includes(method)) return;
        heard.push(params);
        for (const look of waiting) look();
      };
    },
  });
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (heard.length < count) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return { ...client, heard, until };
}

describe('a session that all clients share', () => {
  it('is one at the server, whoever comes and goes; each client has a session of its own with the gateway', async () => {
    await using server = await ScriptedServer.start({ face: { instructions: 'Read this.' } });
    await using gateway = await shared(server.url);
    const clients = await Promise.all([plain(gateway), plain(gateway), plain(gateway)]);
    for (const { client } of clients) {
      assert.equal(client.getInstructions(), 'Read this.');
      assert.deepEqual(client.getServerVersion(), { name: 'scripted', version: '1.0.0' });
    }
    assert.equal(new Set(clients.map(({ transport }) => transport.sessionId)).size, 3);
    assert.equal(gateway.gateway.sessions, 3);
    const [first] = clients;
    await first?.transport.terminateSession();
    assert.equal(await clients[1]?.call('count', { key: 'a' }), 'ran a');
    await using late = await plain(gateway);
    assert.equal(await late.call('count', { key: 'b' }), 'ran b');
    assert.equal(server.count({ rpc: 'initialize' }), 1);
    assert.equal(server.count({ rpc: 'notifications/initialized' }), 1);
    assert.equal(server.sessions.length, 1);
    assert.deepEqual(server.violations, []);
    await Promise.all(clients.map(({ client }) => client.close()));
    await gateway.gateway.close();
    assert.equal(server.sessions.length, 0);
  });

  it('tells the calls of one client from those of another: same ids, same progress tokens', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await shared(server.url);
    const clients = await Promise.all(Array.from({ length: 10 }, () => plain(gateway)));
    const hold = server.hold({ tool: 'count' });
    const seen = new Map<number, number[]>();
    const all = Promise.withResolvers<void>();
    const calling = clients.map(({ client }, index) => {
      const onprogress = ({ progress }: { progress: number }) => {
        seen.set(index, [...(seen.get(index) ?? []), progress]);
        if (seen.size === clients.length) all.resolve();
      };
      return client.callTool({ name: 'count', arguments: { key: `${index}` } }, undefined, { onprogress });
    });
    await hold.arrived(clients.length);
    const sent = server.requests.filter(({ tool }) => tool === 'count');
    assert.equal(new Set(sent.map(({ id }) => id)).size, clients.length);
    hold.send(({ key, message }) => {
      const { progressToken } = (message?.params?._meta ?? {}) as { progressToken?: number };
      return {
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken, progress: Number(key) },
      };
    });
    await all.promise;
    hold.release();
    const answers = await Promise.all(calling);
    assert.deepEqual(
      answers.map(({ content }) => content),
      clients.map((_, index) => [{ type: 'text', text: `ran ${index}` }]),
    );
    for (const [index, progress] of seen) assert.deepEqual(progress, [index]);
    assert.deepEqual(server.violations, []);
    await Promise.all(clients.map(({ client }) => client.close()));
  });

  it('is replaced once when the server loses it, and every client is answered', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await shared(server.url);
    const clients = await Promise.all(Array.from({ length: 10 }, () => plain(gateway)));
    server.forgetSessions('404-json');
    const got = await Promise.all(clients.map(({ call }, index) => call('count', { key: `${index}` })));
    assert.deepEqual(
      got,
      clients.map((_, index) => `ran ${index}`),
    );
    assert.equal(server.count({ rpc: 'initialize' }), 2);
    assert.deepEqual(server.ranTwice, []);
    await Promise.all(clients.map(({ client }) => client.close()));
  });

  it('gives up a call of one client and leaves that of another alone, which bears the same id', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await shared(server.url);
    const wires = [await new WireTo(gateway).open(), await new WireTo(gateway).open()];
    const hold = server.hold({ tool: 'count' });
    const calling = wires.map((wire, index) => wire.call(`${index}`));
    await hold.arrived(2);
    const params = { requestId: 2, reason: 'enough' };
    await wires[0]?.fetch('POST', { jsonrpc: '2.0', method: 'notifications/cancelled', params });
    await server.received({ rpc: 'notifications/cancelled' });
    const cancelled = server.requests.find(({ rpc }) => rpc === 'notifications/cancelled');
    const given = server.requests.find(({ key }) => key === '0');
    assert.deepEqual(cancelled?.message?.params, { requestId: given?.id, reason: 'enough' });
    hold.release();
    assert.match((await (await calling[1])?.text()) ?? '', /ran 1/);
    assert.doesNotMatch((await (await calling[0])?.text()) ?? '', /ran/);
  });

  it('gives up the calls of a client that goes away', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await shared(server.url);
    const [leaving, staying] = [await plain(gateway), await plain(gateway)];
    const hold = server.hold({ key: 'leaving' });
    void leaving.call('count', { key: 'leaving' });
    await hold.arrived();
    await leaving.transport.terminateSession();
    await server.received({ rpc: 'notifications/cancelled' });
    assert.equal(await staying.call('count', { key: 'staying' }), 'ran staying');
    hold.release();
    await Promise.all([leaving, staying].map(({ client }) => client.close()));
  });

  it('is opened anew when the first attempt failed; the server’s own refusal reaches the client', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await shared(server.url, { upstream: { connectPatienceMs: 1 } });
    server.answerNext({ rpc: 'initialize' }, rpcError(-32602, 'Not today'));
    await assert.rejects(plain(gateway), /-32602.*Not today/);
    await server.refuseConnections();
    const failure = await plain(gateway).catch((error) => error);
    assert.ok(isFailure(failure, 'SERVER_UNAVAILABLE'), String(failure));
    await server.acceptConnections();
    await using downstream = await plain(gateway);
    assert.equal(await downstream.call('count', { key: 'a' }), 'ran a');
  });

  it('answers a client of an older revision in that one, and a newer one in what was agreed on', async () => {
    await using server = await ScriptedServer.start({ face: { protocolVersions: ['2025-06-18'] } });
    await using gateway = await shared(server.url);
    const wire = new WireTo(gateway);
    const answered: unknown[] = [];
    for (const protocolVersion of ['2025-03-26', '2025-06-18', '2025-11-25', '1999-01-01', 7]) {
      const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'wire', version: '1' } };
      const response = await wire.send('initialize', params);
      answered.push(/"protocolVersion":"([\d-]+)"/.exec(await response.text())?.[1]);
    }
    assert.deepEqual(answered, ['2025-03-26', '2025-06-18', '2025-06-18', '2025-06-18', undefined]);
  });
});

describe('what clients of a shared session set', () => {
  const update = 'notifications/resources/updated';

  it('is counted: a resource is given up when nobody wants it any more, and its changes go to those who do', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await shared(server.url);
    const [a, b, c] = await Promise.all([
      told(gateway, [update]),
      told(gateway, [update]),
      told(gateway, [update]),
    ]);
    const uri = 'test://one';
    await a.client.subscribeResource({ uri });
    await b.client.subscribeResource({ uri });
    await c.client.subscribeResource({ uri: 'test://two' });
    assert.equal(server.count({ rpc: 'resources/subscribe' }), 2);
    await server.answered({ method: 'GET' });
    server.updateResource(uri);
    await Promise.all([a.until(1), b.until(1)]);
    await a.client.unsubscribeResource({ uri });
    assert.equal(server.count({ rpc: 'resources/unsubscribe' }), 0);
    server.updateResource(uri);
    await b.until(2);
    server.updateResource('test://two');
    await c.until(1);
    await b.client.unsubscribeResource({ uri });
    assert.equal(server.count({ rpc: 'resources/unsubscribe' }), 1);
    await c.transport.terminateSession();
    await server.received({ rpc: 'resources/unsubscribe' }, 2);
    assert.deepEqual([...(server.sessions[0]?.subscriptions ?? [])], []);
    assert.deepEqual([a.heard, b.heard, c.heard], [[{ uri }], [{ uri }, { uri }], [{ uri: 'test://two' }]]);
    await Promise.all([a, b, c].map(({ client }) => client.close()));
  });

  it('is the log level that is most verbose, and each client hears from its own on', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await shared(server.url);
    const log = 'notifications/message';
    const [quiet, verbose] = [await told(gateway, [log]), await told(gateway, [log])];
    const level = () => server.sessions[0]?.logLevel;
    await quiet.client.setLoggingLevel('error');
    assert.equal(level(), 'error');
    await verbose.client.setLoggingLevel('debug');
    assert.equal(level(), 'debug');
    await quiet.client.setLoggingLevel('warning');
    assert.equal(level(), 'debug');
    await server.answered({ method: 'GET' });
    const messages = ['debug', 'info', 'warning', 'emergency'].map((each) => ({ level: each, data: each }));
    for (const params of messages) server.notify(log, params);
    await Promise.all([verbose.until(4), quiet.until(2)]);
    assert.deepEqual(verbose.heard, messages);
    assert.deepEqual(quiet.heard, messages.slice(2));
    await verbose.transport.terminateSession();
    await server.received({ rpc: 'logging/setLevel' }, 3);
    assert.equal(level(), 'warning');
    await Promise.all([quiet, verbose].map(({ client }) => client.close()));
  });

  it('is not taken for set when the server refuses it', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await shared(server.url);
    await using a = await plain(gateway);
    server.answerNext({ rpc: 'resources/subscribe' }, rpcError(-32002, 'No such resource'));
    await assert.rejects(a.client.subscribeResource({ uri: 'test://one' }), /No such resource/);
    await a.client.subscribeResource({ uri: 'test://one' });
    assert.equal(server.count({ rpc: 'resources/subscribe' }), 2);
  });

  it('tells every client of a list that has changed', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await shared(server.url);
    const changed = 'notifications/tools/list_changed';
    const clients = await Promise.all([told(gateway, [changed]), told(gateway, [changed])]);
    await server.answered({ method: 'GET' });
    server.notify(changed);
    await Promise.all(clients.map(({ until }) => until(1)));
    await Promise.all(clients.map(({ client }) => client.close()));
  });
});

describe('what the server of a shared session asks', () => {
  it('about a call is put to the client whose call it is, and to no other', async () => {
    const factory = () => {
      const server = new McpServer({ name: 'asking', version: '1.0.0' });
      server.registerTool('ask', {}, async ({ sendRequest }) => {
        const requestedSchema = { type: 'object', properties: { name: { type: 'string' } } } as const;
        const params = { message: 'Who?', requestedSchema };
        const request = { method: 'elicitation/create', params } as const;
        const { content } = await sendRequest(request, ElicitResultSchema);
        return { content: [{ type: 'text', text: String(content?.name) }] };
      });
      return server;
    };
    await using upstream = await served({ factory });
    await using gateway = await shared(upstream.url);
    const named = (name: string): Promise<Plain> =>
      plain(gateway, {
        client: { capabilities: { elicitation: {} } },
        prepare: (client) =>
          client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name } })),
      });
    const names = ['a', 'b', 'c', 'd'];
    const clients = await Promise.all(names.map(named));
    const asked = await Promise.all(clients.map(({ call }) => call('ask')));
    assert.deepEqual(asked, names);
    await using unable = await plain(gateway);
    assert.match(
      await unable.call('ask'),
      /No client that shares this session can answer elicitation\/create/,
    );
    await Promise.all(clients.map(({ client }) => client.close()));
  });

  it('about no call is put to the client that can answer and was heard last', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await shared(server.url);
    const asked: string[] = [];
    await using a = await plain(gateway, rooted('a', asked));
    await using b = await plain(gateway, rooted('b', asked));
    await using unable = await plain(gateway);
    await server.answered({ method: 'GET' });
    for (const [name, client] of [
      ['b', b],
      ['a', a],
      ['b', b],
    ] as const) {
      await client.call('count', { key: 'x' });
      await unable.call('count', { key: 'y' });
      assert.deepEqual((await server.ask('roots/list')).result, { roots: [{ uri: `file:///${name}` }] });
    }
    assert.deepEqual(asked, ['b', 'a', 'b']);
  });

  it('is answered with an error when nobody can, and a ping by the gateway itself', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await shared(server.url);
    await using _unable = await plain(gateway);
    await server.answered({ method: 'GET' });
    const refused = (await server.ask('sampling/createMessage')) as { error?: { code: number } };
    assert.equal(refused.error?.code, -32601);
    assert.deepEqual((await server.ask('ping')).result, {});
  });

  it('is answered with an error when the client that was asked goes away', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await shared(server.url);
    const asked = Promise.withResolvers<void>();
    await using leaving = await plain(gateway, {
      client: { capabilities: { roots: {} } },
      prepare: (client) =>
        client.setRequestHandler(ListRootsRequestSchema, () => {
          asked.resolve();
          return new Promise(() => {});
        }),
    });
    await server.answered({ method: 'GET' });
    const asking = server.ask('roots/list');
    await asked.promise;
    await leaving.transport.terminateSession();
    const answer = (await asking) as { error?: { message: string } };
    assert.match(answer.error?.message ?? '', /has gone/);
  });

  it('is not answered by a client that was not asked', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await shared(server.url);
    const open = async (capabilities: object) => {
      const wire = new WireTo(gateway);
      const params = {
        protocolVersion: '2025-11-25',
        capabilities,
        clientInfo: { name: 'wire', version: '1' },
      };
      const response = await wire.send('initialize', params);
      wire.sessionId = response.headers.get('mcp-session-id') ?? undefined;
      await response.text();
      await wire.fetch('POST', { jsonrpc: '2.0', method: 'notifications/initialized' });
      return { wire, stream: new EventReader(await wire.fetch('GET')) };
    };
    const [asked, other] = [await open({ roots: {} }), await open({})];
    await server.answered({ method: 'GET' });
    const asking = server.ask('roots/list');
    const question = await asked.stream.message();
    const answer = (root: string) => ({
      jsonrpc: '2.0',
      id: question.id,
      result: { roots: [{ uri: root }] },
    });
    await other.wire.fetch('POST', answer('file:///forged'));
    await asked.wire.fetch('POST', answer('file:///true'));
    assert.deepEqual((await asking).result, { roots: [{ uri: 'file:///true' }] });
  });
});

describe('what the server of a shared session logs', () => {
  it('about a call goes to the client whose call it is', async () => {
    const factory = () => {
      const server = new McpServer({ name: 'logging', version: '1.0.0' }, { capabilities: { logging: {} } });
      server.registerTool('log', {}, async ({ sendNotification, sessionId: _ }) => {
        await sendNotification({
          method: 'notifications/message',
          params: { level: 'info', data: 'a word' },
        });
        return { content: [] };
      });
      return server;
    };
    await using upstream = await served({ factory });
    await using gateway = await shared(upstream.url);
    const logged: string[] = [];
    const listening = (name: string): PlainOptions => ({
      prepare: (client) =>
        client.setNotificationHandler(LoggingMessageNotificationSchema, () => void logged.push(name)),
    });
    await using a = await plain(gateway, listening('a'));
    await using b = await plain(gateway, listening('b'));
    await a.call('log');
    await b.call('log');
    await b.call('log');
    await a.client.ping();
    assert.deepEqual(logged, ['a', 'b', 'b']);
  });
});
