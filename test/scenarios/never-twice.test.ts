import assert from 'node:assert/strict';
import { ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { connected } from '../support/connected.ts';
import { isFailure } from '../support/failure.ts';
import type { Fault } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

/** Endings after which nobody can tell whether the call ran, and whether it did. */
const ambiguous: readonly (readonly [string, Fault, ran: number])[] = [
  ['the connection is reset before the call ran', 'reset-before', 0],
  ['the connection is reset after the call ran', 'reset-after-run', 1],
  ['the stream of the answer ends before the answer', 'end-stream', 1],
  ['a proxy answers 502 after the call ran', { status: 502, afterRun: true }, 1],
];

describe('a call whose outcome is unknown', () => {
  for (const [name, fault, ran] of ambiguous) {
    it(`fails at once in words when ${name}, and is not sent again`, async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url);
      await scenario.client.listTools();
      server.answerNext({ tool: 'count' }, fault);
      const failure = await scenario.client
        .callTool({ name: 'count', arguments: { key: 'a' } })
        .catch((error) => error);
      assert.ok(isFailure(failure, 'OUTCOME_UNKNOWN'), String(failure));
      assert.match(failure.message, /may or may not have run/);
      assert.equal(server.count({ tool: 'count' }), 1);
      assert.equal(server.runs('a'), ran);
      assert.equal(scenario.facts('outcomeUnknown').length, 1);
      assert.equal(await scenario.call('count', 'b'), 'ran b');
      assert.equal(server.count({ rpc: 'initialize' }), 1);
    });

    it(`is made again when ${name} and the tool is read-only or idempotent`, async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url);
      await scenario.client.listTools();
      for (const tool of ['peek', 'put']) {
        server.answerNext({ tool }, fault);
        assert.equal(await scenario.call(tool, tool), `ran ${tool}`);
        assert.equal(server.runs(tool), ran + 1);
      }
    });
  }

  it('is given up after five cuts, each by a server that then answers, even where it may be repeated', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.client.listTools();
    server.answerNext({ tool: 'peek' }, 'reset-after-run', 10);
    const failure = await scenario.client
      .callTool({ name: 'peek', arguments: { key: 'a' } })
      .catch((error) => error);
    assert.ok(isFailure(failure, 'OUTCOME_UNKNOWN'), String(failure));
    // Behind a gateway or a bridge the advice stands in the message.
    assert.match(`${failure.message} ${'advice' in failure ? failure.advice : ''}`, /server may end of it/);
    assert.equal(server.runs('a'), 5);
    const [fact] = scenario.facts('outcomeUnknown');
    assert.match(fact?.kind === 'outcomeUnknown' ? fact.reason : '', /since it was cut off 5 times/);
  });

  it('follows the hints that the server listed last', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.client.listTools();
    server.face.tools = [{ name: 'peek', annotations: { readOnlyHint: false } }];
    await scenario.client.listTools();
    server.answerNext({ tool: 'peek' }, 'reset-after-run');
    assert.equal(await scenario.call('peek', 'a'), 'OUTCOME_UNKNOWN');
  });

  it('follows the policy of the user, per tool and for all', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, {
      replay: { default: 'never', tools: { count: 'always' } },
    });
    await scenario.client.listTools();
    server.answerNext({ tool: 'count' }, 'reset-before');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    server.answerNext({ tool: 'peek' }, 'reset-before');
    assert.equal(await scenario.call('peek', 'b'), 'OUTCOME_UNKNOWN');
  });

  it('is not begun anew when its session is replaced while its cut stream waits to be taken up', async () => {
    await using server = await ScriptedServer.start({ style: { eventIds: true, retryMs: 1000 } });
    await using scenario = await connected(server.url);
    await scenario.client.listTools();
    for (const [tool, outcome, runs] of [
      ['count', 'OUTCOME_UNKNOWN', 1],
      ['peek', 'ran peek', 2],
    ] as const) {
      server.answerNext({ tool, key: tool }, 'end-stream-after-event-id');
      const failed = scenario.facts('exchangeFailed').length;
      const calling = scenario.call(tool, tool);
      // The client has to see the cut before its session is replaced.
      await scenario.fact('exchangeFailed', failed + 1);
      server.forgetSessions('404-json');
      assert.equal(await scenario.call('peek', `other ${tool}`), `ran other ${tool}`);
      assert.equal(await calling, outcome);
      assert.equal(server.runs(tool), runs);
    }
    assert.equal(
      scenario
        .facts('requestReplayed')
        .filter((fact) => fact.kind === 'requestReplayed' && /stream was cut/.test(fact.because)).length,
      1,
    );
  });

  it('bears an id of its own when it is sent twice on one session, and is answered under the client’s', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.client.listTools();
    server.answerNext({ tool: 'peek' }, 'reset-after-run');
    assert.equal(await scenario.call('peek', 'a'), 'ran a');
    const ids = server.requests.filter(({ tool }) => tool === 'peek').map(({ id }) => id);
    assert.equal(new Set(ids).size, 2);
    assert.deepEqual(server.violations, []);
  });

  it('is not sent again after a 503 where the policy is never; else a 503 means that it did not run', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, { replay: { tools: { count: 'never' } } });
    server.answerNext({ tool: 'count' }, { status: 503, afterRun: true });
    assert.equal(await scenario.call('count', 'a'), 'OUTCOME_UNKNOWN');
    assert.equal(server.runs('a'), 1);
    server.answerNext({ tool: 'put' }, { status: 503 });
    assert.equal(await scenario.call('put', 'b'), 'ran b');
  });

  it('is never called twice on the way through a restart: 50 in flight, cut after they ran', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.client.listTools();
    const hold = server.hold({ rpc: 'tools/call' });
    const keys = Array.from({ length: 50 }, (_, index) => `k${index}`);
    const calling = keys.map((key, index) => scenario.call(index % 2 ? 'peek' : 'count', key));
    await hold.arrived(50);
    hold.release();
    await server.restart('400-json');
    const got = await Promise.all(calling);
    for (const [index, key] of keys.entries()) {
      if (index % 2) assert.equal(got[index], `ran ${key}`);
      else {
        assert.ok(got[index] === `ran ${key}` || got[index] === 'OUTCOME_UNKNOWN', got[index]);
        assert.equal(server.runs(key), 1);
      }
    }
  });
});

describe('what belongs to an old session', () => {
  it('is not asked of the new one: a page cursor ends in a typed error', async () => {
    await using server = await ScriptedServer.start({ face: { pageSize: 1 } });
    await using scenario = await connected(server.url);
    const { nextCursor } = await scenario.client.listTools();
    assert.ok(nextCursor);
    server.forgetSessions('404-json');
    const failure = await scenario.client.listTools({ cursor: nextCursor }).catch((error) => error);
    assert.ok(isFailure(failure, 'STALE_CURSOR'), String(failure));
    assert.equal((await scenario.client.listTools()).tools.length, 1);
    assert.equal(server.requests.filter(({ message }) => message?.params?.cursor === nextCursor).length, 1);
  });

  it('is not told to the new one: the cancellation of a call that only the old one got', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    const hold = server.hold({ tool: 'count' });
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const calling = scenario.client.callTool({ name: 'count', arguments: { key: 'a' } }, undefined, options);
    await hold.arrived();
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('peek', 'b'), 'ran b');
    controller.abort();
    await assert.rejects(calling);
    assert.equal(server.count({ rpc: 'notifications/cancelled' }), 0);
    assert.deepEqual(server.violations, []);
    hold.release();
  });

  it('is not answered to the new one: a request of the old server is aborted at the client', async () => {
    await using server = await ScriptedServer.start();
    const aborted = Promise.withResolvers<void>();
    await using scenario = await connected(server.url, {
      client: { capabilities: { roots: {} } },
      prepare: (client) => {
        client.setRequestHandler(ListRootsRequestSchema, async (_request, { signal }) => {
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
          aborted.resolve();
          return { roots: [] };
        });
      },
    });
    await scenario.fact('streamOpened');
    const asking = server.ask('roots/list', {}, 200).catch(() => 'unanswered');
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    await aborted.promise;
    assert.equal(await asking, 'unanswered');
    assert.deepEqual(server.violations, []);
  });

  it('is not asked of the client any more: a request that the old server makes late', async () => {
    await using server = await ScriptedServer.start();
    let asked = 0;
    await using scenario = await connected(server.url, {
      client: { capabilities: { roots: {} } },
      prepare: (client) => {
        client.setRequestHandler(ListRootsRequestSchema, () => {
          asked++;
          return { roots: [] };
        });
      },
    });
    const hold = server.hold({ tool: 'count' });
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    const ask = () => hold.send({ jsonrpc: '2.0', id: 'late', method: 'roots/list' });
    ask();
    await server.received(({ rpc, id }) => rpc === undefined && id === 'late');
    assert.equal(asked, 1);
    await scenario.transport.resetSession();
    ask();
    hold.release();
    assert.equal(await calling, 'ran a');
    assert.equal(asked, 1);
  });
});
