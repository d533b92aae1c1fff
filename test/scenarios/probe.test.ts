import assert from 'node:assert/strict';
import { type Connected, type ConnectOptions, connected } from '../support/connected.ts';
import { type Fault, jsonReply, refusal, rpcError } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

/** Ways of a server that works to treat a ping. */
const pings: readonly (readonly [string, Fault])[] = [
  ['500 under no id (Graylog2/graylog2-server#27066)', refusal(500, -32603, 'Internal error')],
  ['500 under its own id', rpcError(-32603, 'Internal error', 500)],
  ['a page with 500', { status: 500, headers: { 'content-type': 'text/html' }, body: '<h1>Error</h1>' }],
  ['a page with 200', { status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>Hello</h1>' }],
  ['400', { status: 400, body: 'unknown method' }],
  ['403', { status: 403 }],
  ['502', { status: 502 }],
  ['another answer', jsonReply(200, { jsonrpc: '2.0', id: 'other', result: {} })],
  ['nothing at all (hermes-agent#97245)', 'hang'],
];

// Should a ping be believed, then these fail in a moment and not after half a minute.
const impatient: ConnectOptions = {
  patienceMs: 300,
  proofAfterMs: 0,
  proofTimeoutMs: 20,
  recovery: { attemptTimeoutMs: 50, besideAfterMs: 10 },
};

const keys = ['a', 'b', 'c', 'd', 'e'];

async function answersAll(scenario: Connected): Promise<void> {
  for (const key of keys) assert.equal(await scenario.call('count', key), `ran ${key}`);
}

describe('a server that answers requests and no pings', () => {
  for (const [name, fault] of pings) {
    it(`but ${name}: every call goes out, and after the first no proof is wanted`, async () => {
      await using server = await ScriptedServer.start();
      server.answerAlways({ method: 'GET' }, { status: 405 });
      server.answerAlways({ rpc: 'ping' }, fault);
      await using scenario = await connected(server.url, impatient);
      await answersAll(scenario);
      const asked = server.count({ rpc: 'ping' });
      for (const key of keys) assert.equal(await scenario.call('count', `${key} again`), `ran ${key} again`);
      assert.equal(server.count({ rpc: 'ping' }), asked);
      assert.equal(scenario.transport.snapshot().generation, 1);
      assert.deepEqual(server.ranTwice, []);
    });

    it(`but ${name}: after its stream was cut while nobody called, the session is kept, and every call goes out`, async () => {
      await using server = await ScriptedServer.start();
      server.answerAlways({ rpc: 'ping' }, fault);
      await using scenario = await connected(server.url, impatient);
      await scenario.fact('streamOpened');
      server.closeGetStreams('reset');
      await scenario.fact('serverUnavailable');
      await answersAll(scenario);
      await scenario.state(({ status }) => status === 'ready');
      assert.equal(scenario.transport.snapshot().generation, 1);
      assert.deepEqual(server.ranTwice, []);
    });
  }

  it('is asked no more in vain: a second session shows that its refusals mean nothing, and the first is kept', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ rpc: 'ping' }, { status: 500 });
    await using scenario = await connected(server.url, impatient);
    await scenario.fact('streamOpened');
    server.closeGetStreams('reset');
    await scenario.fact('serverAnswered');
    assert.equal(server.count({ rpc: 'initialize' }), 2);
    server.closeGetStreams('reset');
    await scenario.fact('streamOpened', 2);
    await answersAll(scenario);
    assert.equal(server.count({ rpc: 'initialize' }), 2);
    assert.equal(scenario.transport.snapshot().generation, 1);
    await server.ended({ method: 'DELETE' });
    assert.equal(server.sessions.length, 1);
  });

  it('is asked again once it answers a ping', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ method: 'GET' }, { status: 405 });
    const mute = server.answerAlways({ rpc: 'ping' }, 'hang');
    await using scenario = await connected(server.url, { ...impatient, idlePingMs: 10 });
    await answersAll(scenario);
    mute.dispose();
    await server.answered({ rpc: 'ping' });
    await scenario.state(({ status }) => status === 'ready');
    server.forgetSessions('404-json');
    await scenario.state(({ generation }) => generation === 2);
  });

  it('is shown as one that does not answer, and its calls go out all the same', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ method: 'GET' }, { status: 405 });
    server.answerAlways({ rpc: 'ping' }, 'hang');
    await using scenario = await connected(server.url, { ...impatient, idlePingMs: 10 });
    await scenario.state(({ status }) => status === 'unreachable');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    await scenario.state(({ status }) => status === 'ready');
    assert.equal(scenario.facts('connectionDown').length, 0);
  });
});

describe('a session that was lost while nobody called', () => {
  for (const status of [401, 500, 502, 503, 504, 522]) {
    it(`and is told of by ${status} and no word: a new one is opened beside it, by itself`, async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url, { recovery: { besideAfterMs: 10 } });
      await scenario.fact('streamOpened');
      await server.restart({ status, body: 'Internal server error' });
      await scenario.state((each) => each.status === 'ready' && each.generation === 2);
      assert.equal(await scenario.call('count', 'a'), 'ran a');
      assert.equal(server.count({ rpc: 'initialize' }), 2);
      assert.equal(server.sessions.length, 1);
    });
  }

  it('is kept where no new one opens, and asked on', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, { recovery: { besideAfterMs: 10 } });
    await scenario.fact('streamOpened');
    const broken = server.answerAlways({ method: 'POST' }, { status: 500 });
    server.closeGetStreams('reset');
    await server.answered({ rpc: 'initialize' }, 3);
    broken.dispose();
    await scenario.state(({ status }) => status === 'ready');
    assert.equal(scenario.transport.snapshot().generation, 1);
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });
});
