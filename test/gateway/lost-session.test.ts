import assert from 'node:assert/strict';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import type { DialectName } from '../support/scripted/dialects.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { textOf } from '../support/sdk-client.ts';
import { opened, plain } from './gateways.ts';

const keys = Array.from({ length: 50 }, (_, index) => `k${index}`);
const answers = keys.map((key) => `ran ${key}`);
const mainDialects: readonly DialectName[] = ['404-json', '404-empty', '400-json', '400-text'];

describe('a plain client behind the gateway', () => {
  for (const dialect of mainDialects) {
    it(`does not notice a session lost as ${dialect}: 50 calls, 50 answers, one initialize, none run twice`, async () => {
      await using server = await ScriptedServer.start();
      await using gateway = await opened(server.url);
      await using downstream = await plain(gateway);
      const { sessionId } = downstream.transport;
      server.forgetSessions(dialect);
      const got = await Promise.all(keys.map((key) => downstream.call('count', { key })));
      assert.deepEqual(got, answers);
      assert.equal(server.count({ rpc: 'initialize' }), 2);
      assert.deepEqual(server.ranTwice, []);
      assert.equal(server.runs(), keys.length);
      assert.equal(downstream.transport.sessionId, sessionId);
      assert.equal(gateway.gateway.sessions, 1);
      assert.deepEqual(server.violations, []);
    });
  }

  it('of the SDK v2 does not notice it either', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const transport = new TransportV2(new URL(gateway.url), {
      requestInit: { headers: gateway.authorization },
    });
    const client = new ClientV2({ name: 'plain', version: '2.0.0' });
    await client.connect(transport);
    const { sessionId } = transport;
    for (const dialect of mainDialects) {
      server.forgetSessions(dialect);
      const got = await Promise.all(
        keys.map(async (key) =>
          textOf(await client.callTool({ name: 'count', arguments: { key: `${dialect} ${key}` } })),
        ),
      );
      assert.deepEqual(
        got,
        keys.map((key) => `ran ${dialect} ${key}`),
      );
    }
    assert.equal(server.count({ rpc: 'initialize' }), 1 + mainDialects.length);
    assert.equal(transport.sessionId, sessionId);
    assert.deepEqual(server.ranTwice, []);
    assert.deepEqual(server.violations, []);
    await client.close();
  });

  it('is not taken for another: twenty clients at once, each with a session of its own over the loss', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const clients = await Promise.all(Array.from({ length: 20 }, () => plain(gateway)));
    server.forgetSessions('404-json');
    const got = await Promise.all(
      clients.map(({ call }, client) =>
        Promise.all(keys.slice(0, 5).map((key) => call('count', { key: `${client} ${key}` }))),
      ),
    );
    for (const [client, texts] of got.entries()) {
      assert.deepEqual(
        texts,
        keys.slice(0, 5).map((key) => `ran ${client} ${key}`),
      );
    }
    assert.equal(server.count({ rpc: 'initialize' }), 40);
    assert.equal(server.sessions.length, 20);
    assert.deepEqual(server.ranTwice, []);
    assert.deepEqual(server.violations, []);
    await Promise.all(clients.map(({ client }) => client.close()));
  });

  it('waits while the server refuses connections, and is answered when it is back without its sessions', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    await using downstream = await plain(gateway);
    await server.answered({ method: 'GET' });
    await downstream.client.listTools();
    await server.refuseConnections();
    server.forgetSessions('400-json');
    // Safe to repeat: one that went out before the end of its socket was seen may have reached the old server.
    const calling = keys.map((key) => downstream.call('peek', { key }));
    await server.acceptConnections();
    assert.deepEqual(await Promise.all(calling), answers);
    assert.equal(server.count({ rpc: 'initialize' }), 2);
    assert.deepEqual(server.ranTwice, []);
  });

  it('is answered in words, with the code as data, by a server that stays away, and goes on when it is back', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url, { upstream: { patienceMs: 200 } });
    await using downstream = await plain(gateway);
    await downstream.client.listTools();
    await server.refuseConnections();
    assert.equal(await downstream.call('peek', { key: 'a' }), 'SERVER_UNAVAILABLE');
    await server.acceptConnections();
    assert.equal(await downstream.call('peek', { key: 'b' }), 'ran b');
    assert.equal(gateway.gateway.sessions, 1);
  });

  it('is told of a call that may have run that it may have run', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    await using downstream = await plain(gateway);
    server.answerNext({ tool: 'count' }, 'reset-after-run');
    assert.equal(await downstream.call('count', { key: 'a' }), 'OUTCOME_UNKNOWN');
    assert.equal(server.runs('a'), 1);
    assert.equal(await downstream.call('count', { key: 'b' }), 'ran b');
  });

  it('hears at once of tools that are others after the restart', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const changed = Promise.withResolvers<string[]>();
    const onChanged = (_: unknown, tools: { name: string }[] | null) =>
      changed.resolve((tools ?? []).map(({ name }) => name));
    const listChanged = { tools: { autoRefresh: true, debounceMs: 0, onChanged } };
    await using downstream = await plain(gateway, { client: { listChanged } });
    await downstream.client.listTools();
    server.face.tools = [{ name: 'another' }];
    server.forgetSessions('404-json');
    await downstream.client.ping();
    assert.deepEqual(await changed.promise, ['another']);
  });

  it('keeps its session with a server that refuses every session, and is answered when that is over', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    await using downstream = await plain(gateway);
    await downstream.client.ping();
    const refusing = server.refuseEverySession('404-json');
    assert.equal(await downstream.call('count', { key: 'a' }), 'SESSION_NOT_KEPT');
    refusing[Symbol.dispose]();
    assert.equal(await downstream.call('count', { key: 'b' }), 'ran b');
  });

  it('is introduced late to a server that goes away before it has heard of it', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url, { upstream: { patienceMs: 200 } });
    const away = server.answerAlways({ rpc: 'notifications/initialized' }, { status: 503 });
    await using downstream = await plain(gateway);
    assert.equal(await downstream.call('count', { key: 'a' }), 'SERVER_UNAVAILABLE');
    assert.equal(server.count({ tool: 'count' }), 0);
    away.dispose();
    assert.equal(await downstream.call('count', { key: 'b' }), 'ran b');
    assert.deepEqual(server.violations, []);
  });
});
