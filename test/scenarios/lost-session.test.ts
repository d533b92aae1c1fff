import assert from 'node:assert/strict';
import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { ResilientTransport } from '../../src/client/index.ts';
import { connected, quick } from '../support/connected.ts';
import { type DialectName, dialectNames } from '../support/scripted/dialects.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { textOf } from '../support/sdk-client.ts';
import { isDirect } from '../support/way.ts';

const CALLS = 50;
const keys = Array.from({ length: CALLS }, (_, index) => `k${index}`);
const answers = keys.map((key) => `ran ${key}`);

/** Dialects in which the answer alone says it; the others are confirmed by a ping first. */
const outright: readonly DialectName[] = ['404-json', '404-empty', '400-json', '400-text'];

describe('a lost session', () => {
  for (const dialect of dialectNames) {
    it(`heals when it is said as ${dialect}: ${CALLS} calls at once, ${CALLS} answers, one initialize, none run twice`, async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url);
      await scenario.fact('streamOpened');
      server.forgetSessions(dialect);
      const got = await Promise.all(keys.map((key) => scenario.call('count', key)));
      assert.deepEqual(got, answers);
      assert.equal(server.count({ rpc: 'initialize' }), 2);
      assert.deepEqual(server.ranTwice, []);
      assert.equal(server.runs(), CALLS);
      assert.equal(scenario.transport.snapshot().generation, 2);
      assert.deepEqual(server.violations, []);
      if (outright.includes(dialect)) assert.equal(server.count({ rpc: 'ping' }), 0);
    });
  }

  it('is replaced by a handshake without the old id and without the old version header', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    const [first, second] = server.requests.filter(({ rpc }) => rpc === 'initialize');
    assert.deepEqual([second?.sessionId, second?.protocolVersionHeader], [undefined, undefined]);
    assert.deepEqual(second?.message?.params, first?.message?.params);
    const replayed = server.requests.findLast(({ rpc }) => rpc === 'tools/call');
    assert.notEqual(replayed?.sessionId, undefined);
    assert.equal(replayed?.protocolVersionHeader, '2025-11-25');
  });

  it('has the calls that waited for the new session sent before its stream is opened (decision 0010)', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    await scenario.fact('streamOpened', 2);
    const handshake = server.requests.findLastIndex(({ rpc }) => rpc === 'initialize');
    assert.deepEqual(
      server.requests.slice(handshake, handshake + 4).map(({ method, rpc }) => rpc ?? method),
      ['initialize', 'notifications/initialized', 'tools/call', 'GET'],
    );
  });

  it('takes its id from the answer to initialize alone, not from a refusal that carries one', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    server.forgetSessions('404-foreign-id');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(server.count({ sessionId: 'another-clients-session' }), 0);
  });

  it('gets a stream of the server again, and DELETE when it is closed', async () => {
    await using server = await ScriptedServer.start();
    const scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    server.forgetSessions('404-json');
    await scenario.call('count', 'a');
    await scenario.fact('streamOpened', 2);
    assert.equal(server.sessions.length, 1);
    await scenario.client.close();
    assert.equal(server.sessions.length, 0);
    assert.equal(server.count({ method: 'DELETE' }), 1);
  });

  it('heals over and over, one session for each loss', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    for (let round = 1; round <= 10; round++) {
      server.forgetSessions('400-json');
      const got = await Promise.all(keys.slice(0, 5).map((key) => scenario.call('count', `${round}${key}`)));
      assert.deepEqual(
        got,
        keys.slice(0, 5).map((key) => `ran ${round}${key}`),
      );
    }
    assert.equal(server.count({ rpc: 'initialize' }), 11);
    assert.deepEqual(server.ranTwice, []);
  });

  it('heals under the SDK v2 client as under v1', async () => {
    await using server = await ScriptedServer.start();
    const client = new ClientV2({ name: 'scenario', version: '2.0.0' });
    await client.connect(new ResilientTransport(server.url, quick));
    for (const dialect of outright) {
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
    assert.equal(server.count({ rpc: 'initialize' }), 1 + outright.length);
    assert.deepEqual(server.ranTwice, []);
    assert.deepEqual(server.violations, []);
    await client.close();
  });

  it('carries the calls that were refused, and leaves alone those that were already being answered', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    const hold = server.hold({ tool: 'count' });
    const first = keys.slice(0, 25).map((key) => scenario.call('count', key));
    await hold.arrived(25);
    server.forgetSessions('404-json');
    const second = keys.slice(25).map((key) => scenario.call('peek', key));
    await Promise.all(second);
    hold.release();
    assert.deepEqual(await Promise.all([...first, ...second]), answers);
    assert.equal(server.count({ rpc: 'initialize' }), 2);
    assert.deepEqual(server.ranTwice, []);
  });

  it('keeps its late answers apart: a refusal of the old session that comes after the new one begins nothing', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    const late = server.hold({ key: 'late' }, 'before-run');
    const calling = scenario.call('count', 'late');
    await late.arrived();
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('count', 'early'), 'ran early');
    late.release();
    assert.equal(await calling, 'ran late');
    assert.equal(server.count({ rpc: 'initialize' }), 2);
    assert.deepEqual(server.ranTwice, []);
  });

  it('is not asked about again when a doubtful refusal of it comes late', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    const late = server.hold({ key: 'late' }, 'before-run');
    const calling = scenario.call('count', 'late');
    await late.arrived();
    server.forgetSessions('200-error');
    assert.equal(await scenario.call('count', 'early'), 'ran early');
    const pings = server.count({ rpc: 'ping' });
    late.release();
    assert.equal(await calling, 'ran late');
    assert.equal(server.count({ rpc: 'ping' }), pings);
    assert.equal(server.count({ rpc: 'initialize' }), 2);
  });
});

describe('a server that refuses every session', () => {
  for (const dialect of outright) {
    it(`ends in a typed error that names the cause, said as ${dialect}, and not in a loop`, async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url, { recovery: { probeIntervalMs: 60_000 } });
      using _refusing = server.refuseEverySession(dialect);
      const got = await Promise.all(keys.map((key) => scenario.call('count', key)));
      for (const each of got) assert.match(each, /^SESSION_NOT_KEPT$/);
      assert.equal(server.runs(), 0);
      const initializes = server.count({ rpc: 'initialize' });
      // A call that comes when the connection is down already has it tried once more.
      assert.ok(initializes <= (isDirect() ? 6 : CALLS), `${initializes} initializes`);
      assert.equal(scenario.transport.snapshot().status, 'down');
    });
  }

  it('is not given up for good: the next call after it came to its senses is answered', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    const refusing = server.refuseEverySession('404-json');
    assert.equal(await scenario.call('count', 'a'), 'SESSION_NOT_KEPT');
    refusing[Symbol.dispose]();
    assert.equal(await scenario.call('count', 'b'), 'ran b');
    assert.equal(scenario.transport.snapshot().status, 'ready');
  });
});
