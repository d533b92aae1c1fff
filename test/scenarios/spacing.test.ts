import assert from 'node:assert/strict';
import { connected } from '../support/connected.ts';
import { codeOf, wordsOf } from '../support/failure.ts';
import { HeldClock, settle } from '../support/held-clock.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol('open');
  await settle();
  return (await Promise.race([promise, Promise.resolve(open)])) !== open;
}

// The clock stands still in these; the network does not.
describe('attempts keep their distance', () => {
  it('beyond the budget of sessions that never answered: the next one is made when the window lets it', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    const scenario = await connected(server.url, {
      environment: { clock },
      recovery: { budget: 3, budgetWindowMs: 60_000, attemptTimeoutMs: 1e9, maxUnprovenSessions: 10 },
      patienceMs: 1e9,
      busyPingMs: 0,
    });
    const refusing = server.answerAlways({ tool: 'count' }, { status: 404 });
    const calling = scenario.call('count', 'a');
    await server.answered({ tool: 'count' }, 3);
    await scenario.fact('sessionLost', 3);
    await clock.advance(19_000);
    assert.equal(await isSettled(calling), false);
    assert.equal(server.count({ rpc: 'initialize' }), 3);
    refusing.dispose();
    await clock.advance(1000);
    assert.equal(await calling, 'ran a');
    assert.equal(server.count({ rpc: 'initialize' }), 4);
    const closing = scenario.client.close();
    await clock.advance(2000);
    await closing;
  });

  it('but not for a server that loses its session after each call: such a session costs no budget', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    const scenario = await connected(server.url, {
      environment: { clock },
      recovery: { budget: 3, attemptTimeoutMs: 1e9 },
      patienceMs: 1e9,
      busyPingMs: 0,
    });
    for (let round = 1; round <= 10; round++) {
      server.forgetSessions('404-json');
      assert.equal(await scenario.call('count', `${round}`), `ran ${round}`);
    }
    assert.equal(server.count({ rpc: 'initialize' }), 11);
    const closing = scenario.client.close();
    await clock.advance(2000);
    await closing;
  });

  for (const status of [429, 503]) {
    it(`after ${status} with Retry-After: not before the time that the server named`, async () => {
      await using server = await ScriptedServer.start();
      const clock = new HeldClock();
      const scenario = await connected(server.url, {
        environment: { clock },
        patienceMs: 60_000,
        busyPingMs: 0,
      });
      server.answerNext({ tool: 'count' }, { status, headers: { 'retry-after': '7' } });
      const calling = scenario.call('count', 'a');
      await server.answered({ tool: 'count' });
      await scenario.fact('requestReplayed');
      await clock.advance(6900);
      assert.equal(await isSettled(calling), false);
      assert.equal(server.count({ tool: 'count' }), 1);
      await clock.advance(200);
      assert.equal(await calling, 'ran a');
      const closing = scenario.client.close();
      await clock.advance(2000);
      await closing;
    });
  }

  it('and end with the caller’s patience: a wait that is longer fails at once, in words', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, { patienceMs: 5000 });
    server.answerNext({ tool: 'count' }, { status: 429, headers: { 'retry-after': '60' } });
    assert.equal(await scenario.call('count', 'a'), 'SERVER_UNAVAILABLE');
  });
});

// The clock stands still: what is told is told at once.
describe('a server that asks to be tried again in an hour', () => {
  const reply = {
    status: 503,
    headers: { 'retry-after': '3600' },
    body: 'The index is being built',
  };
  const time = /The index is being built; it asks to be tried again in 60 minutes \(at \d\d:\d\d /;

  it('in a call: its caller is told at once, with the time, and others are answered', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { environment: { clock } });
    server.answerNext({ tool: 'count' }, reply);
    const error = await scenario.client
      .callTool({ name: 'count', arguments: { key: 'a' } })
      .catch((error: unknown) => error);
    assert.equal(codeOf(error), 'SERVER_UNAVAILABLE');
    assert.match(wordsOf(error), time);
    assert.equal(await scenario.call('count', 'b'), 'ran b');
    assert.equal(scenario.transport.snapshot().status, 'ready');
  });

  it('in everything: every caller is told at once, and so is whoever looks', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { environment: { clock } });
    const busy = server.answerAlways({ method: 'POST' }, reply);
    for (const key of ['a', 'b']) {
      const error = await scenario.client
        .callTool({ name: 'count', arguments: { key } })
        .catch((error: unknown) => error);
      assert.equal(codeOf(error), 'SERVER_UNAVAILABLE');
      assert.match(wordsOf(error), time);
    }
    await scenario.state(({ status, nextAttemptAt }) => status === 'down' && nextAttemptAt !== undefined);
    const { trouble, nextAttemptAt } = scenario.transport.snapshot();
    assert.match(trouble ?? '', time);
    assert.equal(nextAttemptAt, clock.now() + 3_600_000);
    busy.dispose();
    assert.equal(await scenario.call('count', 'c'), 'ran c');
  });

  it('at the first initialize: the client is told at once', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ rpc: 'initialize' }, reply);
    const clock = new HeldClock();
    const error = await connected(server.url, { environment: { clock } }).catch((error: unknown) => error);
    assert.equal(codeOf(error), 'SERVER_UNAVAILABLE');
    assert.match(wordsOf(error), time);
    assert.equal(server.count({ rpc: 'initialize' }), 1);
  });
});
