import assert from 'node:assert/strict';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
  ElicitRequestSchema,
  ElicitResultSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { ResilientTransport } from '../../src/client/index.ts';
import { served } from '../server/served.ts';
import { quick } from '../support/connected.ts';
import { EventReader } from '../support/event-reader.ts';
import { HeldClock } from '../support/held-clock.ts';
import { messagesOf } from '../support/messages-of.ts';
import { jsonReply } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { opened, plain, WireTo } from './gateways.ts';

/** Resolves when a connection that a relay listens to was told something. */
function told(connection: ResilientTransport, method: string): Promise<void> {
  return new Promise((resolve) => {
    const relay = connection.onmessage;
    connection.onmessage = (message, origin) => {
      relay?.(message, origin);
      if ('method' in message && message.method === method) resolve();
    };
  });
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
    const calls = (await Promise.all(calling)).map((response) => new EventReader(response));
    hold.send(({ key }) => progressOf(key));
    assert.deepEqual(await Promise.all(calls.map((call) => call.message())), [
      progressOf('a'),
      progressOf('b'),
    ]);
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
    const question = await new EventReader(call).message();
    assert.equal(question.method, 'roots/list');
    await wire.fetch('POST', { jsonrpc: '2.0', id: question.id, result: { roots: [] } });
    assert.deepEqual((await asking).result, { roots: [] });
    hold.release();
  });

  for (const way of ['asks for something', 'opens a stream'] as const) {
    it(`holds what there is no way for, in its order, until the client ${way}`, async () => {
      await using server = await ScriptedServer.start();
      const connection = new ResilientTransport(server.url, quick);
      await using gateway = await opened(server.url, { upstream: { open: () => connection } });
      const wire = await new WireTo(gateway).open();
      await server.answered({ method: 'GET' });
      const changed = 'notifications/tools/list_changed';
      const hasCome = told(connection, changed);
      const asking = server.ask('roots/list');
      server.notify(changed);
      await hasCome;
      const stream = new EventReader(await (way === 'opens a stream' ? wire.fetch('GET') : wire.call('a')));
      const question = await stream.message();
      assert.equal(question.method, 'roots/list');
      assert.equal((await stream.message()).method, changed);
      await wire.fetch('POST', { jsonrpc: '2.0', id: question.id, result: { roots: [] } });
      assert.deepEqual((await asking).result, { roots: [] });
    });
  }

  it('tells the server of a cancellation, and holds nothing of the request afterwards', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using gateway = await opened(server.url, { clock, idleMs: 1000 });
    const wire = await new WireTo(gateway).open();
    const hold = server.hold({ key: 'a' });
    const calling = wire.call('a');
    await hold.arrived();
    const params = { requestId: 2, reason: 'enough' };
    await wire.fetch('POST', { jsonrpc: '2.0', method: 'notifications/cancelled', params });
    await server.received({ rpc: 'notifications/cancelled' });
    const told = server.requests.find(({ rpc }) => rpc === 'notifications/cancelled');
    assert.deepEqual(told?.message?.params, params);
    // Its stream ends, with nothing on it: as long as it were open, the session would not be idle.
    assert.deepEqual(await messagesOf(await calling), []);
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
