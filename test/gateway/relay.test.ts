import assert from 'node:assert/strict';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
  ElicitRequestSchema,
  ElicitResultSchema,
  ListRootsRequestSchema,
  type McpError,
} from '@modelcontextprotocol/sdk/types.js';
import { freePort } from '../../examples/demo/free-port.ts';
import { served } from '../server/served.ts';
import { HeldClock } from '../support/held-clock.ts';
import { jsonReply, rpcError } from '../support/scripted/reply.ts';
import type { RpcMessage } from '../support/scripted/request.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { Wire } from '../support/wire.ts';
import { codeOf, type Opened, opened, plain } from './gateways.ts';

/** Bytes to a gateway, with its token and no SDK between them and the test. */
class WireTo extends Wire {
  readonly #opened: Opened;

  constructor(opened: Opened) {
    super(opened.url);
    this.#opened = opened;
  }

  override fetch(method: string, body?: object, headers: Record<string, string> = {}): Promise<Response> {
    return super.fetch(method, body, { ...this.#opened.authorization, ...headers });
  }
}

/** The messages in the body of an answer. */
async function messagesOf(response: Response): Promise<unknown[]> {
  const text = await response.text();
  return [...text.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => JSON.parse(json ?? ''));
}

/** The next message on a stream that goes on. */
async function nextOn(reader: ReadableStreamDefaultReader<Uint8Array> | undefined): Promise<RpcMessage> {
  const text = new TextDecoder().decode((await reader?.read())?.value);
  return JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? assert.fail(text));
}

describe('the relay', () => {
  it('hands on requests and answers as they are, fields that nobody knows included', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const wire = await new WireTo(gateway).open();
    const params = { name: 'count', arguments: { key: 'a' }, _meta: { 'x.example/trace': 't', more: [1] } };
    const result = {
      content: [{ type: 'text', text: 'a', annotations: { audience: ['user'], priority: 0.5 }, new: true }],
      structuredContent: { nested: { deep: null } },
      _meta: { 'x.example/cost': 3 },
      isError: true,
      later: 'a field of a later revision',
    };
    server.answerNext({ tool: 'count' }, ({ id }) => jsonReply(200, { jsonrpc: '2.0', id, result }));
    const request = { jsonrpc: '2.0', id: 'an id of its own', method: 'tools/call', params };
    const answer = await wire.fetch('POST', request);
    assert.deepEqual(await messagesOf(answer), [{ jsonrpc: '2.0', id: request.id, result }]);
    assert.deepEqual(server.requests.find(({ tool }) => tool === 'count')?.message, request);
  });

  it('hands on an error of the server as it is, data included', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const wire = await new WireTo(gateway).open();
    const error = { code: -32042, message: 'no', data: { elicitations: [{ url: 'https://a.example' }] } };
    server.answerNext({ tool: 'count' }, ({ id }) => jsonReply(200, { jsonrpc: '2.0', id, error }));
    const [answer] = await messagesOf(await wire.call('a'));
    assert.deepEqual(answer, { jsonrpc: '2.0', id: 2, error });
  });

  it('lets the server answer initialize, and hands it what the client said', async () => {
    const face = { instructions: 'Read this.', version: '9.9.9', protocolVersions: ['2025-06-18'] };
    await using server = await ScriptedServer.start({ face });
    await using gateway = await opened(server.url);
    await using downstream = await plain(gateway, { client: { capabilities: { roots: {} } } });
    const { client } = downstream;
    assert.deepEqual(client.getServerVersion(), { name: 'scripted', version: '9.9.9' });
    assert.equal(client.getInstructions(), 'Read this.');
    assert.deepEqual(client.getServerCapabilities(), server.face.capabilities);
    assert.equal(downstream.transport.protocolVersion, '2025-06-18');
    const [session] = server.sessions;
    assert.deepEqual(session?.clientInfo, { name: 'plain', version: '1.0.0' });
    assert.deepEqual(session?.clientCapabilities, { roots: {} });
  });

  it('carries a question inside a call to the client, and the answer back', async () => {
    const factory = () => {
      const server = new McpServer({ name: 'asking', version: '1.0.0' });
      server.registerTool('ask', {}, async ({ sendRequest }) => {
        const requestedSchema = { type: 'object', properties: { name: { type: 'string' } } } as const;
        const params = { message: 'Which one?', requestedSchema };
        const request = { method: 'elicitation/create', params } as const;
        const { action, content } = await sendRequest(request, ElicitResultSchema);
        return { content: [{ type: 'text', text: `${action} ${content?.name}` }] };
      });
      return server;
    };
    await using upstream = await served({ factory });
    await using gateway = await opened(upstream.url);
    await using downstream = await plain(gateway, {
      client: { capabilities: { elicitation: {} } },
      prepare: (client) =>
        client.setRequestHandler(ElicitRequestSchema, () => ({
          action: 'accept',
          content: { name: 'this' },
        })),
    });
    assert.equal(await downstream.call('ask'), 'accept this');
  });

  it('carries a question outside of any call, and a notification, by the stream that the client opened', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const told = Promise.withResolvers<string>();
    await using _downstream = await plain(gateway, {
      client: { capabilities: { roots: {} } },
      prepare: (client) => {
        client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///home' }] }));
        client.fallbackNotificationHandler = async ({ method }) => told.resolve(method);
      },
    });
    await server.answered({ method: 'GET' });
    assert.deepEqual((await server.ask('roots/list')).result, { roots: [{ uri: 'file:///home' }] });
    server.notify('notifications/prompts/list_changed');
    assert.equal(await told.promise, 'notifications/prompts/list_changed');
  });

  it('gives progress to the request that asked for it, among others', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    await using downstream = await plain(gateway);
    const hold = server.hold({ tool: 'count' });
    const seen = new Map<string, number[]>();
    const both = Promise.withResolvers<void>();
    const calling = ['a', 'b'].map((key, index) => {
      const onprogress = ({ progress }: { progress: number }) => {
        seen.set(key, [...(seen.get(key) ?? []), progress]);
        if (seen.size === 2) both.resolve();
      };
      return downstream.client.callTool({ name: 'count', arguments: { key, index } }, undefined, {
        onprogress,
      });
    });
    await hold.arrived(2);
    hold.send(({ key, message }) => {
      const meta = message?.params?._meta as { progressToken: number } | undefined;
      const params = { progressToken: meta?.progressToken, progress: key === 'a' ? 1 : 2 };
      return { jsonrpc: '2.0', method: 'notifications/progress', params };
    });
    await both.promise;
    hold.release();
    await Promise.all(calling);
    assert.deepEqual(Object.fromEntries(seen), { a: [1], b: [2] });
  });

  it('gives progress on the stream of the call that it is of, so that a client without another gets it', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const wire = await new WireTo(gateway).open();
    const hold = server.hold({ rpc: 'tools/call' });
    const calling = ['a', 'b'].map((key) => {
      const params = { name: 'count', arguments: { key }, _meta: { progressToken: `of ${key}` } };
      return wire.fetch('POST', { jsonrpc: '2.0', id: key, method: 'tools/call', params });
    });
    await hold.arrived(2);
    const progressOf = (key: string | undefined) => ({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken: `of ${key}`, progress: 1 },
    });
    const calls = (await Promise.all(calling)).map(({ body }) => body?.getReader());
    hold.send(({ key }) => progressOf(key));
    assert.deepEqual(await Promise.all(calls.map(nextOn)), [progressOf('a'), progressOf('b')]);
    hold.release();
  });

  it('asks a client without a stream of its own on the stream of a call', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const wire = await new WireTo(gateway).open();
    const hold = server.hold({ tool: 'count' });
    const call = await wire.call('a');
    await hold.arrived();
    await server.answered({ method: 'GET' });
    const asking = server.ask('roots/list');
    const question = await nextOn(call.body?.getReader());
    assert.equal(question.method, 'roots/list');
    await wire.fetch('POST', { jsonrpc: '2.0', id: question.id, result: { roots: [] } });
    assert.deepEqual((await asking).result, { roots: [] });
    hold.release();
  });

  it('tells the server of a cancellation, and holds nothing of the request afterwards', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using gateway = await opened(server.url, { clock, idleMs: 1000 });
    const wire = await new WireTo(gateway).open();
    const hold = server.hold({ key: 'a' });
    const call = await wire.call('a');
    await hold.arrived();
    const params = { requestId: 2, reason: 'enough' };
    await wire.fetch('POST', { jsonrpc: '2.0', method: 'notifications/cancelled', params });
    await server.received({ rpc: 'notifications/cancelled' });
    const told = server.requests.find(({ rpc }) => rpc === 'notifications/cancelled');
    assert.deepEqual(told?.message?.params, params);
    // Its stream ends, with nothing on it: as long as it were open, the session would not be idle.
    assert.deepEqual(await messagesOf(call), []);
    assert.match(JSON.stringify(await messagesOf(await wire.call('b'))), /ran b/);
    // The gateway may not have seen yet that the last answer was read.
    while (gateway.gateway.sessions > 0) await clock.advance(1000);
    await server.received({ method: 'DELETE' });
    assert.deepEqual(server.violations, []);
    hold.release();
  });

  it('lets nothing overtake the client’s word that it is initialized', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const hold = server.hold({ rpc: 'notifications/initialized' }, 'before-run');
    await using downstream = await plain(gateway);
    const calling = downstream.call('count', { key: 'a' });
    await hold.arrived();
    hold.release();
    assert.equal(await calling, 'ran a');
    await downstream.call('count', { key: 'b' });
    assert.equal(server.count({ rpc: 'notifications/initialized' }), 1);
    assert.deepEqual(server.violations, []);
  });
});

describe('the two sessions of a relay', () => {
  it('are one for each client, and end with it', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const [a, b] = [await plain(gateway), await plain(gateway)];
    assert.equal(server.sessions.length, 2);
    assert.equal(gateway.gateway.sessions, 2);
    await a.transport.terminateSession();
    await server.ended({ method: 'DELETE' });
    assert.equal(server.sessions.length, 1);
    assert.equal(await b.call('count', { key: 'b' }), 'ran b');
    await Promise.all([a.client.close(), b.client.close()]);
  });

  it('are none when the server cannot be reached: the client is told so in words', async () => {
    const url = `http://127.0.0.1:${await freePort()}/mcp`;
    await using gateway = await opened(url, { upstream: { connectPatienceMs: 1 } });
    const failure: McpError = await plain(gateway).catch((error) => error);
    assert.match(failure.message, /could not be reached.*ECONNREFUSED.*Is the server running/);
    assert.deepEqual(failure.data, { code: 'SERVER_UNAVAILABLE' });
    assert.equal(gateway.gateway.sessions, 0);
  });

  it('are none when the server refuses the client: its own error reaches the client', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    server.answerNext({ rpc: 'initialize' }, rpcError(-32602, 'Unsupported protocol version'));
    const failure: McpError = await plain(gateway).catch((error) => error);
    assert.equal(failure.code, -32602);
    assert.equal(gateway.gateway.sessions, 0);
    await using downstream = await plain(gateway);
    assert.equal(await downstream.call('count', { key: 'a' }), 'ran a');
  });

  it('wait for a server that is about to come back when a client connects', async () => {
    await using server = await ScriptedServer.start();
    const tried = Promise.withResolvers<void>();
    let attempts = 0;
    const countingFetch: typeof fetch = (...request) => {
      if (++attempts === 4) tried.resolve();
      return fetch(...request);
    };
    await using gateway = await opened(server.url, { upstream: { fetch: countingFetch } });
    await server.refuseConnections();
    const connecting = plain(gateway);
    await tried.promise;
    await server.acceptConnections();
    await using downstream = await connecting;
    assert.equal(await downstream.call('count', { key: 'a' }), 'ran a');
  });

  for (const endSessionOnClose of [true, false]) {
    const told = endSessionOnClose ? 'the server is told' : 'the server is not told if that is wanted';
    it(`end when the gateway is closed: calls under way are answered, and ${told}`, async () => {
      await using server = await ScriptedServer.start();
      await using gateway = await opened(server.url, { upstream: { endSessionOnClose } });
      await using downstream = await plain(gateway);
      using hold = server.hold({ tool: 'count' });
      const calling = downstream.client.callTool({ name: 'count', arguments: { key: 'a' } }).catch(codeOf);
      await hold.arrived();
      await gateway.gateway.close();
      assert.equal(await calling, 'CONNECTION_CLOSED');
      assert.equal(server.sessions.length, endSessionOnClose ? 0 : 1);
      assert.equal(gateway.gateway.sessions, 0);
    });
  }

  it('end after the answers that were on their way when the gateway was closed', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const wire = await new WireTo(gateway).open();
    const bytes = 8 * 1024 * 1024;
    const params = { name: 'count', arguments: { key: 'a', bytes } };
    const call = await wire.fetch('POST', { jsonrpc: '2.0', id: 'a', method: 'tools/call', params });
    const reader = call.body?.getReader();
    let length = (await reader?.read())?.value?.length ?? 0;
    const closing = gateway.gateway.close();
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
      length += next.value.length;
    }
    assert.ok(length > bytes, String(length));
    await closing;
  });

  it('end in bounded time also when the server does not answer any more', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url, { upstream: { closeTimeoutMs: 300 } });
    await using _downstream = await plain(gateway);
    server.answerAlways({ method: 'DELETE' }, 'hang');
    await gateway.gateway.close();
    assert.equal(server.count({ method: 'DELETE' }), 1);
  });
});

describe('the headers of an upstream', () => {
  it('reach the server, with nothing of what the client sent to the gateway', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url, {
      upstream: { headers: { 'x-api-key': 'for the server' } },
    });
    await using downstream = await plain(gateway);
    await downstream.call('count', { key: 'a' });
    await downstream.transport.terminateSession();
    await server.ended({ method: 'DELETE' });
    for (const { headers } of server.requests) {
      assert.equal(headers['x-api-key'], 'for the server');
      assert.ok(!JSON.stringify(headers).includes(gateway.gateway.token));
      assert.notEqual(headers['mcp-session-id'], downstream.transport.sessionId ?? '');
    }
  });

  it('may be made anew for each request', async () => {
    await using server = await ScriptedServer.start();
    let count = 0;
    const headers = () => ({ authorization: `Bearer ${++count}` });
    await using gateway = await opened(server.url, { upstream: { headers } });
    await using downstream = await plain(gateway);
    await downstream.call('count', { key: 'a' });
    const sent = server.requests.map(({ headers }) => headers.authorization);
    assert.equal(new Set(sent).size, server.requests.length);
  });
});
