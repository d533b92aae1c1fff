import assert from 'node:assert/strict';
import { isResilientMcpError, ResilientTransport } from '../../src/client/index.ts';
import { connected } from '../support/connected.ts';
import { codeOf, isFailure, statusOf } from '../support/failure.ts';
import { type HttpReply, jsonReply, refusal, rpcError } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

const sessionKept = (server: ScriptedServer) => assert.equal(server.count({ rpc: 'initialize' }), 1);

describe('what is no lost session', () => {
  const refusals: readonly (readonly [string, HttpReply])[] = [
    ['a plain 400', refusal(400, -32000, 'Bad Request')],
    ['an empty 400', { status: 400 }],
    ['a 400 for a parse error', refusal(400, -32700, 'Parse error')],
    [
      'a 400 that speaks of a batch',
      refusal(400, -32600, 'Invalid Request: batch requests are not supported'),
    ],
    ['a 403', { status: 403, body: 'Forbidden' }],
    ['a 405', { status: 405 }],
    ['a 406', { status: 406 }],
    ['a 413', { status: 413 }],
    ['a 500', { status: 500, body: 'Internal Server Error' }],
  ];

  for (const [name, reply] of refusals) {
    it(`${name}: the call fails with the status, the session is kept, and the next call is answered on it`, async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url);
      server.answerNext({ tool: 'count' }, reply);
      const failure = await scenario.client
        .callTool({ name: 'count', arguments: { key: 'a' } })
        .catch((error) => error);
      assert.ok(isFailure(failure, 'HTTP_STATUS'));
      assert.equal(statusOf(failure), reply.status);
      assert.equal(await scenario.call('count', 'b'), 'ran b');
      sessionKept(server);
      assert.equal(scenario.transport.snapshot().generation, 1);
      assert.equal(server.runs('a'), 0);
    });
  }

  it('a server that answers 400 to a call and to every ping: one new session is tried, then the 400 is passed on', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    server.answerAlways({ rpc: 'ping' }, { status: 400 });
    server.answerAlways({ tool: 'count' }, { status: 400, body: 'no' });
    assert.equal(await scenario.call('count', 'a'), 'HTTP_STATUS');
    assert.equal(server.count({ rpc: 'initialize' }), 2);
    assert.equal(server.count({ tool: 'count' }), 2);
    assert.equal(await scenario.call('peek', 'b'), 'ran b');
  });

  it('a tool that answers 404 for what it has not found: one new session, then its own words, and no further session', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    const words = 'Resource not found: wiki';
    server.answerAlways({ tool: 'count' }, ({ id }) =>
      jsonReply(404, { jsonrpc: '2.0', id, error: { code: -32002, message: words } }),
    );
    for (const key of ['a', 'b', 'c']) {
      const failure = await scenario.client.callTool({ name: 'count', arguments: { key } }).catch(String);
      assert.match(String(failure), /Resource not found: wiki/);
    }
    assert.equal(server.count({ rpc: 'initialize' }), 2);
    assert.equal(await scenario.call('peek', 'd'), 'ran d');
  });

  it('a JSON-RPC error under our own id is the answer, whatever its status', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    for (const status of [200, 400, 404]) {
      server.answerNext({ tool: 'count' }, rpcError(-32601, 'Method not found', status));
      assert.match(await scenario.call('count', 'a'), /McpError: MCP error -32601: Method not found/);
    }
    sessionKept(server);
  });

  it('an error that speaks of a session, on one that is alive: a ping shows it, and the error is passed on', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    server.answerNext(
      { tool: 'count' },
      rpcError(-32602, 'Session not found: the browser has none of that name'),
    );
    assert.match(await scenario.call('count', 'a'), /browser has none/);
    assert.equal(server.count({ rpc: 'ping' }), 1);
    sessionKept(server);
  });

  for (const status of [404, 405, 400, 501]) {
    it(`${status} on the optional GET: no stream is offered, and calls go on`, async () => {
      await using server = await ScriptedServer.start();
      server.answerAlways({ method: 'GET' }, { status });
      await using scenario = await connected(server.url);
      await scenario.fact('streamNotOffered');
      assert.equal(await scenario.call('count', 'a'), 'ran a');
      sessionKept(server);
      assert.equal(server.count({ method: 'GET' }), 1);
    });
  }

  it('a wrong path: connect fails at once with the status, and nothing is tried again', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways(
      {},
      { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>Cannot POST /mpc</h1>' },
    );
    const failure = await connected(server.url).catch((error) => error);
    assert.ok(isFailure(failure, 'HTTP_STATUS'), String(failure));
    assert.equal(statusOf(failure), 404);
    assert.equal(server.requests.length, 1);
  });

  it('a handshake that the server refuses is the client’s to know', async () => {
    await using server = await ScriptedServer.start();
    server.answerNext({ rpc: 'initialize' }, rpcError(-32602, 'Unsupported protocol version'));
    const failure = await connected(server.url).catch((error) => error);
    assert.match(String(failure), /Unsupported protocol version/);
    assert.equal(server.count({ rpc: 'initialize' }), 1);
  });

  it('a page of a proxy in the place of an answer ends in a typed error', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    const page = {
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: '<html>Please sign in</html>',
    };
    server.answerNext({ tool: 'count' }, page);
    assert.equal(await scenario.call('count', 'a'), 'PROTOCOL_VIOLATION');
    sessionKept(server);
  });

  it('an answer to another request than ours ends in a typed error', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    server.answerNext({ tool: 'count' }, jsonReply(200, { jsonrpc: '2.0', id: 'other', result: {} }));
    assert.equal(await scenario.call('count', 'a'), 'PROTOCOL_VIOLATION');
  });

  it('a server without sessions never loses one', async () => {
    await using server = await ScriptedServer.start({ sessionIds: false });
    await using scenario = await connected(server.url);
    assert.equal(scenario.transport.snapshot().stateless, true);
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    server.answerNext({ tool: 'count' }, { status: 404 });
    assert.equal(await scenario.call('count', 'b'), 'HTTP_STATUS');
    sessionKept(server);
  });
});

describe('a use that is not meant', () => {
  it('is refused in words: a second start, a second initialize, a send before the start', async () => {
    await using server = await ScriptedServer.start();
    const transport = new ResilientTransport(server.url);
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' } as const;
    assert.equal(await transport.send(ping).catch(codeOf), 'INVALID_STATE');
    await transport.start();
    assert.equal(await transport.start().catch(codeOf), 'INVALID_STATE');
    await transport.close();
    assert.equal(await transport.send(ping).catch(codeOf), 'CONNECTION_CLOSED');
  });

  it('is refused in words: an address that is none', () => {
    for (const url of ['', 'mcp', 'ftp://127.0.0.1/', 'file:///etc/passwd']) {
      assert.throws(
        () => new ResilientTransport(url),
        (error) => isResilientMcpError(error, 'INVALID_CONFIGURATION'),
      );
    }
  });
});
