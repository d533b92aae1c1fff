import assert from 'node:assert/strict';
import type { McpError } from '@modelcontextprotocol/sdk/types.js';
import { freePort } from '../../harness/free-port.ts';
import { codeOf } from '../support/failure.ts';
import { rpcError } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { opened, plain, WireTo } from './gateways.ts';

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
    assert.match(failure.message, /could not be reached.*ECONNREFUSED.*[^.]\. Is the server running/);
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
    let length = 0;
    // The head of a stream may come before the answer; once this much is here, all of the answer is on its way.
    while (length < 1024) length += (await reader?.read())?.value?.length ?? assert.fail('it has ended');
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
