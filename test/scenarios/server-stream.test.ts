import assert from 'node:assert/strict';
import { connected } from '../support/connected.ts';
import { HeldClock } from '../support/held-clock.ts';
import { jsonReply } from '../support/scripted/reply.ts';
import type { RpcMessage } from '../support/scripted/request.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

const CHANGED = 'notifications/tools/list_changed';

describe('the server’s own stream', () => {
  for (const status of [400, 403, 404, 500]) {
    it(`that is refused with ${status} for a while after it was cut is there again, and carries what the server tells`, async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url);
      await scenario.fact('streamOpened');
      const refusing = server.answerAlways({ method: 'GET' }, { status });
      server.closeGetStreams('reset');
      await server.answered({ method: 'GET' }, 4);
      refusing.dispose();
      await scenario.fact('streamOpened', 2);
      assert.equal(scenario.facts('streamNotOffered').length, 1);
      assert.equal(server.notify(CHANGED), 1);
      await scenario.heard(1);
      assert.equal(server.count({ rpc: 'initialize' }), 1);
    });
  }

  for (const [name, spoil] of [
    ['is refused', { status: 404 }],
    ['ends at once, each time', { status: 200, headers: { 'content-type': 'text/event-stream' }, body: '' }],
    [
      'is reset at once, each time',
      { status: 200, headers: { 'content-type': 'text/event-stream' }, body: ': hello\n\n', ending: 'reset' },
    ],
  ] as const) {
    it(`that ${name} is asked for rarer and rarer, to once in the time of its option, and at once after an outage`, async () => {
      await using server = await ScriptedServer.start();
      const clock = new HeldClock();
      await using scenario = await connected(server.url, {
        environment: { clock, random: () => 1 },
        reconnectionOptions: { initialReconnectionDelay: 1000, maxReconnectionDelay: 2000 },
        maxRefusedStreamDelayMs: 60_000,
        idlePingMs: 0,
        busyPingMs: 0,
        closeTimeoutMs: 0,
      });
      await scenario.fact('streamOpened');
      const spoiling = server.answerAlways({ method: 'GET' }, spoil);
      server.closeGetStreams('end');
      for (let round = 0; round < 300; round++) {
        await clock.advance(1000);
        await server.ended({ method: 'GET' }, server.count({ method: 'GET' }));
      }
      const early = server.count({ method: 'GET' });
      assert.ok(early > 3 && early < 20, `${early} in five minutes`);
      spoiling.dispose();
      await server.refuseConnections();
      const calling = scenario.call('count', 'a');
      await scenario.fact('serverUnavailable');
      await server.acceptConnections();
      // Nothing but the wait of the attempt passes.
      const streams = scenario.facts('streamOpened').length;
      while (scenario.transport.snapshot().status !== 'ready') await clock.advance(10);
      assert.equal(await calling, 'ran a');
      await scenario.fact('streamOpened', streams + 1);
    });
  }

  it('of a server that asks to be left alone for a day is asked for at once after an outage, and after an hour', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, {
      environment: { clock, random: () => 1 },
      idlePingMs: 0,
      busyPingMs: 0,
      closeTimeoutMs: 0,
    });
    await scenario.fact('streamOpened');
    const busy = { status: 503, headers: { 'retry-after': '86400' } };
    server.answerNext({ method: 'GET' }, busy, 2);
    server.closeGetStreams('reset');
    await server.answered({ method: 'GET' }, 2);
    await clock.isSet(3_600_000);
    await clock.advance(3_600_000);
    await server.answered({ method: 'GET' }, 3);
    await clock.isSet(3_600_000);
    await server.refuseConnections();
    const calling = scenario.call('count', 'a');
    await scenario.fact('serverUnavailable');
    await server.acceptConnections();
    while (scenario.transport.snapshot().status !== 'ready') await clock.advance(10);
    assert.equal(await calling, 'ran a');
    await scenario.fact('streamOpened', 2);
  });

  it('that is refused is asked for at once when the machine has slept', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, {
      environment: { clock, random: () => 1 },
      reconnectionOptions: { initialReconnectionDelay: 100_000 },
      idlePingMs: 0,
      busyPingMs: 0,
      closeTimeoutMs: 0,
    });
    await scenario.fact('streamOpened');
    server.answerNext({ method: 'GET' }, { status: 500 });
    server.closeGetStreams('reset');
    await scenario.fact('streamNotOffered');
    clock.jump(60_000);
    await clock.advance(5000);
    await scenario.fact('streamOpened', 2);
  });

  it('that is not offered is not asked for again', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ method: 'GET' }, { status: 405 });
    const clock = new HeldClock();
    await using scenario = await connected(server.url, {
      environment: { clock },
      idlePingMs: 0,
      closeTimeoutMs: 0,
    });
    await scenario.fact('streamNotOffered');
    await clock.advance(3_600_000);
    assert.equal(server.count({ method: 'GET' }), 1);
  });

  it('that is half open is opened anew when its heartbeat has not come three times', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, {
      environment: { clock },
      idlePingMs: 0,
      busyPingMs: 0,
      closeTimeoutMs: 0,
    });
    await scenario.fact('streamOpened');
    const heard = async (beats: number) => {
      for (let beat = 0; beat < beats; beat++) {
        server.beat();
        server.notify('notifications/message', { level: 'info', data: 'beat' });
        await scenario.heard(scenario.told.length + 1);
        await clock.advance(15_000);
      }
    };
    await heard(4);
    server.abandonConnections();
    while (scenario.facts('streamEnded').length < 1) await clock.advance(500);
    // The server notices later: until then it refuses a second stream (409).
    server.closeGetStreams('reset');
    while (scenario.facts('streamOpened').length < 2) await clock.advance(500);
    const [ended] = scenario.facts('streamEnded');
    assert.ok(ended?.kind === 'streamEnded' && /nothing was heard on it for 45000 ms/.test(ended.reason));
    assert.equal(server.notify(CHANGED), 1);
    await scenario.heard(5);
    assert.equal(server.count({ rpc: 'initialize' }), 1);
  });

  it('without a heartbeat may be silent for as long as it likes', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, {
      environment: { clock },
      idlePingMs: 0,
      busyPingMs: 0,
      closeTimeoutMs: 0,
    });
    await scenario.fact('streamOpened');
    for (const pause of [2000, 30_000, 400]) {
      server.notify(CHANGED);
      await scenario.heard(scenario.told.length + 1);
      await clock.advance(pause);
    }
    await clock.advance(3_600_000);
    assert.equal(server.count({ method: 'GET' }), 1);
    assert.equal(scenario.facts('streamEnded').length, 0);
  });
});

describe('202 to a call', () => {
  it('without a stream on which its answer could come fails at once, in words', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ method: 'GET' }, { status: 405 });
    await using scenario = await connected(server.url);
    server.answerNext({ tool: 'count' }, { status: 202 });
    assert.equal(await scenario.call('count', 'a'), 'PROTOCOL_VIOLATION');
    const [failed] = scenario.facts('requestFailed');
    assert.ok(failed?.kind === 'requestFailed' && /202.*no stream/.test(failed.reason));
    assert.equal(server.count({ tool: 'count' }), 1);
    assert.equal(await scenario.call('count', 'b'), 'ran b');
  });

  it('waits for a stream that is being opened anew, and for the answer on it', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    const refusing = server.answerAlways({ method: 'GET' }, { status: 404 });
    server.closeGetStreams('reset');
    await scenario.fact('streamNotOffered');
    server.answerNext({ tool: 'count' }, (request) => ({
      status: 202,
      headers: { 'x-id': String(request.id) },
    }));
    const calling = scenario.call('count', 'a');
    await server.answered({ tool: 'count' });
    const { id } = server.requests.findLast(({ tool }) => tool === 'count') ?? {};
    refusing.dispose();
    await scenario.fact('streamOpened', 2);
    const result = { content: [{ type: 'text', text: 'ran a' }] };
    for (const { stream } of server.sessions) stream?.send({ jsonrpc: '2.0', id: id ?? 0, result });
    assert.equal(await calling, 'ran a');
  });
});

describe('202 to everything, from a server that does not know the session', () => {
  const rarely = { idlePingMs: 0, closeTimeoutMs: 0 };

  it('while a stream is open: a call that only reads is made again on a new session, another may have run', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { ...rarely, environment: { clock } });
    await scenario.fact('streamOpened');
    await scenario.client.listTools();
    server.forgetSessions({ status: 202 });
    const calling = Promise.all([scenario.call('peek', 'a'), scenario.call('count', 'b')]);
    const settled = calling.then(() => true);
    // Some pings that have no answer, long before `silenceLimitMs`.
    for (let passed = 0; passed < 60_000 && !(await Promise.race([settled, undefined])); passed += 500) {
      await clock.advance(500);
      await server.ended({ rpc: 'ping' }, server.count({ rpc: 'ping' }));
    }
    assert.equal(scenario.transport.snapshot().generation, 2);
    assert.deepEqual(await calling, ['ran a', 'OUTCOME_UNKNOWN']);
    assert.equal(server.runs('b'), 0);
    assert.equal(await scenario.call('count', 'c'), 'ran c');
    assert.equal(server.count({ rpc: 'initialize' }), 2);
  });

  it('and the ping is answered on the stream: the session lives, and the call is waited for', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { ...rarely, environment: { clock } });
    await scenario.fact('streamOpened');
    const say = (id: RpcMessage['id'], result: object) => {
      for (const { stream } of server.sessions)
        stream?.send({ jsonrpc: '2.0', ...(id !== undefined && { id }), result });
    };
    server.answerAlways({ rpc: 'ping' }, { status: 202 });
    server.onRequest(({ rpc, id }) => rpc === 'ping' && say(id, {}));
    server.answerNext({ tool: 'count' }, { status: 202 });
    const calling = scenario.call('count', 'a');
    await server.answered({ tool: 'count' });
    for (let asked = 1; asked <= 4; asked++) {
      while (server.count({ rpc: 'ping' }) < asked) await clock.advance(1000);
      await server.ended({ rpc: 'ping' }, asked);
    }
    const { id } = server.requests.findLast(({ tool }) => tool === 'count') ?? {};
    say(id, { content: [{ type: 'text', text: 'ran a' }] });
    assert.equal(await calling, 'ran a');
    assert.equal(scenario.facts('serverUnavailable').length, 0);
    assert.equal(server.count({ rpc: 'initialize' }), 1);
  });

  it('without a stream: the same, at once', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ method: 'GET' }, { status: 405 });
    await using scenario = await connected(server.url);
    await scenario.fact('streamNotOffered');
    await scenario.client.listTools();
    server.forgetSessions({ status: 202 });
    assert.equal(await scenario.call('peek', 'a'), 'ran a');
    server.forgetSessions({ status: 202 });
    assert.equal(await scenario.call('count', 'b'), 'PROTOCOL_VIOLATION');
    assert.equal(await scenario.call('count', 'c'), 'ran c');
    assert.equal(server.count({ rpc: 'initialize' }), 3);
    assert.equal(server.runs('b'), 0);
  });
});

describe('an answer of the stream kind', () => {
  it('may come for a 202 as long as the stream is open', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    server.answerNext({ tool: 'count' }, jsonReply(202, {}));
    const calling = scenario.call('count', 'a');
    await server.answered({ tool: 'count' });
    const { id } = server.requests.findLast(({ tool }) => tool === 'count') ?? {};
    for (const { stream } of server.sessions) {
      stream?.send({ jsonrpc: '2.0', id: id ?? 0, error: { code: -32000, message: 'came another way' } });
    }
    assert.match(await calling, /came another way/);
  });
});
