import assert from 'node:assert/strict';
import { connected } from '../support/connected.ts';
import { HeldClock } from '../support/held-clock.ts';
import type { HttpReply } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

/** A wait after which a server may have closed a connection, in ms. */
const PAUSE_MS = 50;
/** A wait after which what stands between may have forgotten it. */
const LONG_PAUSE_MS = 60_000;
const CALLS = 200;

describe('a call that may not be repeated', () => {
  it('leaves on no connection that waited: 200 of 200 are answered by a server that closes what waits for 50 ms', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { environment: { clock } });
    const used = new Set<number>();
    server.onRequest(({ connection, rpc }) => {
      // As if the server had closed it at the moment at which the call was sent.
      if (rpc === 'tools/call' && used.has(connection)) server.cutConnections('reset');
      used.add(connection);
    });
    for (let call = 0; call < CALLS; call++) {
      await clock.advance(PAUSE_MS);
      assert.equal(await scenario.call('count', `k${call}`), `ran k${call}`);
    }
    assert.equal(server.count({ rpc: 'ping' }), 0);
  });

  it('leaves on no connection that waited while a stream of the server is open and the pool is forgotten', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { environment: { clock } });
    await scenario.fact('streamOpened');
    assert.equal(await scenario.call('count', 'before'), 'ran before');
    server.abandonConnections();
    await clock.advance(LONG_PAUSE_MS);
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });
});

describe('a session id', () => {
  it('that a hop gives twice with one value is one id', async () => {
    await using server = await ScriptedServer.start();
    server.answerNext({ rpc: 'initialize' }, ({ id }) => opened(String(id), 'twice, twice'));
    server.answerAlways({ sessionId: 'twice' }, ({ id }) => answered(String(id)));
    await using scenario = await connected(server.url);
    assert.equal(scenario.transport.sessionId, 'twice');
  });
});

describe('a refusal whose body never ends', () => {
  it('is decided by its status: the call is answered on a new session', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, { limits: { maxErrorBodyMs: 20 } });
    server.answerNext({ tool: 'count' }, { status: 404, body: 'gone', ending: 'open' });
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(server.count({ rpc: 'initialize' }), 2);
    server.answerNext({ tool: 'count' }, { status: 422, body: 'no such thing', ending: 'open' });
    assert.equal(await scenario.call('count', 'b'), 'HTTP_STATUS');
  });
});

function opened(id: string, sessionId: string): HttpReply {
  const result = {
    protocolVersion: '2025-06-18',
    capabilities: {},
    serverInfo: { name: 'scripted', version: '1' },
  };
  return json({ jsonrpc: '2.0', id: Number(id), result }, { 'mcp-session-id': sessionId });
}

function answered(id: string): HttpReply {
  return json({ jsonrpc: '2.0', id: Number(id), result: {} }, {});
}

function json(body: unknown, headers: Readonly<Record<string, string>>): HttpReply {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}
