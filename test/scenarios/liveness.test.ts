import assert from 'node:assert/strict';
import { isResilientMcpError } from '../../src/protocol/errors.ts';
import { progressTokenOf } from '../../src/protocol/message.ts';
import { connected } from '../support/connected.ts';
import { HeldClock } from '../support/held-clock.ts';
import { rpcError } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { textOf } from '../support/sdk-client.ts';

describe('silence', () => {
  it('of a server that froze in a call is shown, and ends nothing: thawed, it answers', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, {
      busyPingMs: 10,
      recovery: { attemptTimeoutMs: 20 },
    });
    const hold = server.hold({ tool: 'count' });
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    server.freeze();
    await scenario.state(({ status }) => status === 'unreachable');
    server.thaw();
    await scenario.state(({ status }) => status === 'ready');
    hold.release();
    assert.equal(await calling, 'ran a');
    assert.equal(server.runs('a'), 1);
    assert.equal(server.count({ rpc: 'initialize' }), 1);
  });

  it('over its limit ends a call in words; the next one is answered', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, { silenceLimitMs: 30 });
    server.answerNext({ tool: 'count' }, 'hang-after-run');
    assert.equal(await scenario.call('count', 'a'), 'OUTCOME_UNKNOWN');
    const [fact] = scenario.facts('outcomeUnknown');
    assert.ok(fact?.kind === 'outcomeUnknown');
    assert.match(fact.reason, /nothing was heard of it for 30 ms/);
    assert.equal(await scenario.call('count', 'b'), 'ran b');
  });

  it('over its limit has a safe call made again', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, { silenceLimitMs: 30 });
    await scenario.client.listTools();
    server.answerNext({ tool: 'peek' }, 'hang');
    assert.equal(await scenario.call('peek', 'a'), 'ran a');
  });

  it('is broken by every byte: a slow call that shows progress goes on', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, {
      environment: { clock },
      silenceLimitMs: 100,
      busyPingMs: 0,
    });
    const hold = server.hold({ tool: 'count' });
    let heard = Promise.withResolvers<void>();
    const onprogress = () => heard.resolve();
    const calling = scenario.client.callTool({ name: 'count', arguments: { key: 'a' } }, undefined, {
      onprogress,
    });
    await hold.arrived();
    for (let progress = 1; progress <= 6; progress++) {
      heard = Promise.withResolvers<void>();
      await clock.advance(60);
      hold.send((request) => ({
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken: progressTokenOf(request.message ?? {}), progress },
      }));
      await heard.promise;
    }
    hold.release();
    assert.equal(textOf(await calling), 'ran a');
    assert.equal(server.runs('a'), 1);
  });

  it('of a server that froze while idle is noticed by the next idle ping', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ method: 'GET' }, { status: 405 });
    await using scenario = await connected(server.url, {
      idlePingMs: 10,
      recovery: { attemptTimeoutMs: 30 },
    });
    await server.answered({ rpc: 'ping' });
    server.freeze();
    await scenario.fact('serverUnavailable');
    server.thaw();
    await scenario.state(({ status }) => status === 'ready');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(server.count({ rpc: 'initialize' }), 1);
  });

  it('is not asked about when that is switched off', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ method: 'GET' }, { status: 405 });
    await using scenario = await connected(server.url, { idlePingMs: 0, busyPingMs: 0, silenceLimitMs: 0 });
    await scenario.fact('streamNotOffered');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(server.count({ rpc: 'ping' }), 0);
  });
});

describe('an answer that only looks like a lost session', () => {
  it('is passed on unasked when the user says so', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, { unclearAnswers: 'ignore' });
    server.answerNext({ tool: 'count' }, rpcError(-32600, 'Session not found'));
    assert.match(await scenario.call('count', 'a'), /Session not found/);
    assert.equal(server.count({ rpc: 'ping' }), 0);
  });
});

describe('a simulated fault', () => {
  for (const kind of ['lost-404', 'lost-400'] as const) {
    it(`${kind}: heals as a real one does, and nothing runs twice`, async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url);
      scenario.transport.simulate({ kind });
      assert.equal(await scenario.call('count', 'a'), 'ran a');
      assert.equal(scenario.transport.snapshot().generation, 2);
      assert.match(scenario.transport.snapshot().lastRecovery?.cause ?? '', /simulated/);
      assert.equal(server.runs('a'), 1);
      assert.equal(server.count({ method: 'DELETE' }), 1);
      assert.equal(server.sessions.length, 1);
    });
  }

  it('needs no call: asked by a ping, the connection finds out by itself', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    scenario.transport.simulate({ kind: 'lost-404' });
    await scenario.transport.check();
    await scenario.state(({ status, generation }) => status === 'ready' && generation === 2);
  });

  it('is offered only where it could happen', async () => {
    await using server = await ScriptedServer.start({ sessionIds: false });
    await using scenario = await connected(server.url);
    assert.deepEqual(scenario.transport.faults, ['cut', 'refuse']);
    assert.throws(
      () => scenario.transport.simulate({ kind: 'lost-404' }),
      (error) => isResilientMcpError(error, 'INVALID_STATE'),
    );
    scenario.transport.pause();
    assert.deepEqual(scenario.transport.faults, []);
  });

  it('cut: the call ran, and its caller is told that it may have', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    scenario.transport.simulate({ kind: 'cut' });
    assert.equal(await scenario.call('count', 'a'), 'OUTCOME_UNKNOWN');
    await server.ended({ tool: 'count' });
    assert.equal(server.runs('a'), 1);
  });

  it('refuse: calls wait until it is over', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    scenario.transport.simulate({ kind: 'refuse', forMs: 50 });
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.ok(scenario.facts('attemptFailed').length > 0);
    assert.equal(scenario.transport.metrics().facts.requestAnswered, 1);
  });
});
