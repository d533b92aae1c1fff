import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { type Connected, connected } from '../support/connected.ts';
import { HeldClock } from '../support/held-clock.ts';
import type { HttpReply } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

/** A wait after which a server may have closed a connection, in ms. */
const PAUSE_MS = 50;
/** A wait after which what stands between may have forgotten it. */
const LONG_PAUSE_MS = 60_000;
const CALLS = 200;

/** Over `fetch` each request has a connection of its own, which was used by none before it. */
const itOverNode: (title: string, test: Mocha.AsyncFunc) => void = (title, test) => {
  if (!process.env.SCENARIOS_OVER_FETCH) it(title, test);
};

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

describe('a call that may be repeated', () => {
  /** Its connection was used a moment ago, and goes dead while the server has the call. */
  async function abandoned(server: ScriptedServer, scenario: Connected, key: string) {
    const hold = server.hold({ tool: 'peek', key });
    const calling = scenario.call('peek', key);
    await hold.arrived();
    server.abandonConnections();
    hold.release();
    return { calling };
  }

  itOverNode(
    'is sent once more, on a new connection, when its own is dead and the server answers on another',
    async () => {
      await using server = await ScriptedServer.start({ style: { answers: 'json' } });
      await using scenario = await connected(server.url, { resendAfterMs: 20 });
      await scenario.client.listTools();
      const { calling } = await abandoned(server, scenario, 'a');
      assert.equal(await calling, 'ran a');
      assert.equal(server.count({ tool: 'peek' }), 2);
      const [first, second] = server.requests.filter(({ tool }) => tool === 'peek');
      assert.notEqual(first?.connection, second?.connection);
      assert.equal(scenario.transport.snapshot().status, 'ready');
      assert.deepEqual(server.violations, []);
    },
  );

  itOverNode('waits for as long as the server does not answer on another connection either', async () => {
    await using server = await ScriptedServer.start({ style: { answers: 'json' } });
    await using scenario = await connected(server.url, { resendAfterMs: 20 });
    await scenario.client.listTools();
    const pings = server.hold({ rpc: 'ping' });
    const { calling } = await abandoned(server, scenario, 'a');
    await pings.arrived();
    assert.equal(server.count({ tool: 'peek' }), 1);
    pings.release();
    assert.equal(await calling, 'ran a');
    assert.equal(server.count({ tool: 'peek' }), 2);
  });

  it('is left at work on a connection that was made for it, until the machine has slept', async () => {
    await using server = await ScriptedServer.start({ style: { answers: 'json' } });
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { environment: { clock } });
    await scenario.client.listTools();
    await clock.advance(LONG_PAUSE_MS);
    const { calling } = await abandoned(server, scenario, 'a');
    await clock.advance(14_000);
    assert.equal(server.count({ tool: 'peek' }), 1);
    clock.jump(LONG_PAUSE_MS);
    await clock.advance(1000);
    assert.equal(await calling, 'ran a');
    assert.equal(server.count({ tool: 'peek' }), 2);
  });

  it('is sent once more also where the client never listed its tool: it is listed for that', async () => {
    await using server = await ScriptedServer.start({ style: { answers: 'json' } });
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { environment: { clock } });
    const { calling } = await abandoned(server, scenario, 'a');
    clock.jump(LONG_PAUSE_MS);
    await clock.advance(5000);
    assert.equal(await calling, 'ran a');
    assert.equal(server.count({ rpc: 'tools/list' }), 1);
    assert.equal(server.count({ tool: 'peek' }), 2);
  });

  itOverNode('is sent once more at most, and one that may not be repeated never is', async () => {
    await using server = await ScriptedServer.start({ style: { answers: 'json' } });
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { environment: { clock } });
    await scenario.client.listTools();
    const holds = ['peek', 'count'].map((tool) => server.hold({ tool }));
    const calling = Promise.all([scenario.call('peek', 'a'), scenario.call('count', 'b')]);
    await Promise.all(holds.map((hold) => hold.arrived()));
    for (let round = 0; round < 10; round++) {
      await clock.advance(5000);
      await server.received({ rpc: 'ping' });
    }
    await holds[0]?.arrived(2);
    for (const hold of holds) hold.release();
    assert.deepEqual(await calling, ['ran a', 'ran b']);
    assert.deepEqual(
      ['peek', 'count'].map((tool) => server.count({ tool })),
      [2, 1],
    );
  });
});

describe('a call to another machine', () => {
  itOverNode('is ended by no limit of the platform’s while nothing is heard of it', async () => {
    await using server = await ScriptedServer.start();
    // This machine, by an address that is not known as one of it: such a server was reached by `fetch`, which ends
    // what is silent for 300 s.
    const { port } = new URL(server.url);
    const url = server.url.replace(/^http:\/\/[^/]+/, `http://[::ffff:127.0.0.1]:${port}`);
    const sent: ClientRequest[] = [];
    const note = (message: unknown) => sent.push((message as { request: ClientRequest }).request);
    subscribe('http.client.request.start', note);
    try {
      await using scenario = await connected(url);
      const hold = server.hold({ tool: 'count' });
      const calling = scenario.call('count', 'a');
      await hold.arrived();
      const call = sent.findLast(({ host }) => host.startsWith('::ffff:'));
      assert.ok(call, 'it went another way than by node:http');
      // As the platform says it when nothing was heard for as long as the agent's own time.
      call.socket?.emit('timeout');
      hold.release();
      assert.equal(await calling, 'ran a');
    } finally {
      unsubscribe('http.client.request.start', note);
    }
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
