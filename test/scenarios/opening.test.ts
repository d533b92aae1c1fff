import assert from 'node:assert/strict';
import { connected } from '../support/connected.ts';
import { codeOf, statusOf, wordsOf } from '../support/failure.ts';
import { HeldClock } from '../support/held-clock.ts';
import { proxyAnswers } from '../support/scripted/dialects.ts';
import { jsonReply } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

/** Longer than a ping may take; shorter than package runners, containers and virtual machines do. */
const SLOW_MS = 12_000;
const opening = { rpc: 'initialize' } as const;

describe('a server that takes its time to open a session', () => {
  it('is connected to by exactly one initialize', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    const hold = server.hold(opening);
    const connecting = connected(server.url, { environment: { clock } });
    await hold.arrived();
    await clock.advance(SLOW_MS);
    hold.release();
    await using scenario = await connecting;
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(server.count(opening), 1);
    assert.equal(server.sessions.length, 1);
  });

  it('after its session was lost: the call that waits is answered, and no session is left over', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { environment: { clock } });
    server.forgetSessions('404-json');
    const hold = server.hold(opening);
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    await clock.advance(SLOW_MS);
    hold.release();
    assert.equal(await calling, 'ran a');
    assert.equal(server.count(opening), 2);
    assert.equal(server.sessions.length, 1);
  });

  it('while nobody waits: it is not begun anew either', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { environment: { clock }, patienceMs: 1000 });
    await scenario.fact('streamOpened');
    server.forgetSessions('404-json');
    const hold = server.hold(opening);
    server.cutConnections();
    await hold.arrived();
    await clock.advance(4 * SLOW_MS);
    hold.release();
    await scenario.state(({ status, generation }) => status === 'ready' && generation === 2);
    assert.equal(server.count(opening), 2);
    assert.equal(server.sessions.length, 1);
  });

  it('for longer than openLimitMs is given up in words, and asked again', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { environment: { clock }, patienceMs: 1000 });
    server.forgetSessions('404-json');
    const hold = server.hold(opening);
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    // Its caller's patience is over long before.
    await clock.advance(299_000);
    assert.equal(await calling, 'SERVER_UNAVAILABLE');
    assert.equal(scenario.transport.snapshot().status, 'recovering');
    await clock.advance(1000);
    await scenario.state(({ status }) => status === 'down');
    assert.match(scenario.transport.snapshot().trouble ?? '', /no answer within 300000 ms/);
    hold.release();
    assert.equal(await scenario.call('count', 'b'), 'ran b');
  });

  it('is given up by a reset, which a person asks for who has waited long enough', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { environment: { clock } });
    server.forgetSessions('404-json');
    const hold = server.hold(opening);
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    await clock.advance(SLOW_MS);
    const resetting = scenario.transport.resetSession();
    await hold.arrived(2);
    hold.release();
    await resetting;
    assert.equal(await calling, 'ran a');
  });
});

describe('the first initialize', () => {
  for (const [name, reply] of [
    ['500', { status: 500 }],
    ['500 in the words of JSON-RPC, under no id', internalError()],
    ['502', proxyAnswers.badGatewayHtml],
    ['503', { status: 503 }],
    ['504', { status: 504 }],
    ['520', { status: 520 }],
    ['521', { status: 521 }],
    ['522', { status: 522 }],
    ['523', { status: 523 }],
    ['524', { status: 524 }],
    ['530', { status: 530 }],
    ['200 and a page', proxyAnswers.loginPage],
  ] as const) {
    it(`that gets ${name} while the server starts is made again`, async () => {
      await using server = await ScriptedServer.start();
      server.answerNext(opening, reply, 3);
      await using scenario = await connected(server.url, { connectPatienceMs: 60_000 });
      assert.equal(await scenario.call('count', 'a'), 'ran a');
      assert.equal(server.count(opening), 4);
      assert.equal(server.sessions.length, 1);
    });
  }

  for (const [name, reply, code, words] of [
    [
      '500',
      jsonReply(500, { error: 'the database is being moved' }),
      'HTTP_STATUS',
      /the database is being moved/,
    ],
    [
      '503',
      jsonReply(503, { error: 'the pool is being filled' }),
      'SERVER_UNAVAILABLE',
      /the pool is being filled/,
    ],
    ['a page', proxyAnswers.loginPage, 'PROTOCOL_VIOLATION', /text\/html/],
  ] as const) {
    it(`that gets ${name} for longer than the patience is told the server’s last words`, async () => {
      await using server = await ScriptedServer.start();
      server.answerAlways(opening, reply);
      const error = await connected(server.url, { connectPatienceMs: 300 }).catch((error: unknown) => error);
      assert.equal(codeOf(error), code);
      assert.equal(statusOf(error), reply.status);
      assert.match(wordsOf(error), words);
      assert.ok(server.count(opening) > 1);
    });
  }

  for (const [name, reply] of [
    ['400', { status: 400 }],
    ['403', { status: 403 }],
    ['404 and a page', proxyAnswers.notFoundHtml],
    ['501', { status: 501 }],
  ] as const) {
    it(`that gets ${name} is refused at once`, async () => {
      await using server = await ScriptedServer.start();
      server.answerAlways(opening, reply);
      const error = await connected(server.url, { connectPatienceMs: 60_000 }).catch(
        (error: unknown) => error,
      );
      assert.equal(statusOf(error), reply.status);
      assert.equal(server.count(opening), 1);
    });
  }
});

function internalError() {
  const error = { code: -32603, message: 'Internal server error' };
  return jsonReply(500, { jsonrpc: '2.0', id: null, error });
}
