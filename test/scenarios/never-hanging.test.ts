import assert from 'node:assert/strict';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { progressTokenOf } from '../../src/protocol/message.ts';
import { connected } from '../support/connected.ts';
import { HeldClock } from '../support/held-clock.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

const withEventIds = { style: { eventIds: true } } as const;

describe('an answer whose stream breaks', () => {
  for (const fault of ['cut-stream-after-event-id', 'end-stream-after-event-id'] as const) {
    it(`is fetched by Last-Event-ID when the server gave ids (${fault}): the call is answered and ran once`, async () => {
      await using server = await ScriptedServer.start(withEventIds);
      await using scenario = await connected(server.url);
      server.answerNext({ tool: 'count' }, fault);
      assert.equal(await scenario.call('count', 'a'), 'ran a');
      assert.equal(server.runs('a'), 1);
      assert.equal(server.count({ tool: 'count' }), 1);
      assert.equal(server.count({ method: 'GET', resuming: true }), 1);
      assert.equal(server.count({ rpc: 'initialize' }), 1);
    });
  }

  it('is fetched again and again while the server goes on cutting it', async () => {
    await using server = await ScriptedServer.start(withEventIds);
    await using scenario = await connected(server.url);
    const hold = server.hold({ tool: 'count' });
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    for (let round = 1; round <= 3; round++) {
      hold.cutStreams('reset');
      await server.received({ method: 'GET', resuming: true }, round);
      await server.answered({ method: 'GET', resuming: true }, round);
    }
    hold.release();
    assert.equal(await calling, 'ran a');
    assert.equal(server.runs('a'), 1);
  });

  it('settles at once when it can’t be resumed, because the session is gone as well', async () => {
    await using server = await ScriptedServer.start(withEventIds);
    await using scenario = await connected(server.url);
    const hold = server.hold({ tool: 'count' });
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    await server.restart('404-json');
    assert.equal(await calling, 'OUTCOME_UNKNOWN');
    hold.release();
    assert.equal(await scenario.call('count', 'b'), 'ran b');
    assert.equal(server.runs('a'), 1);
    assert.equal(server.count({ rpc: 'initialize' }), 2);
  });

  it('settles when the server refuses the event id, with the session kept', async () => {
    await using server = await ScriptedServer.start(withEventIds);
    await using scenario = await connected(server.url);
    server.answerNext({ tool: 'count' }, 'cut-stream-after-event-id');
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: null,
      error: { code: -32000, message: 'Invalid event ID format' },
    });
    server.answerNext({ method: 'GET', resuming: true }, { status: 400, body });
    assert.equal(await scenario.call('count', 'a'), 'OUTCOME_UNKNOWN');
    assert.equal(server.count({ rpc: 'initialize' }), 1);
  });

  it('waits as long as the server asked by retry', async () => {
    await using server = await ScriptedServer.start({ style: { eventIds: true, retryMs: 40 } });
    await using scenario = await connected(server.url);
    server.answerNext({ tool: 'count' }, 'end-stream-after-event-id');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    const [cut] = server.requests.filter(({ tool }) => tool === 'count');
    const [resumed] = server.requests.filter(({ lastEventId }) => lastEventId !== undefined);
    assert.ok((resumed?.at ?? 0) - (cut?.at ?? 0) >= 39);
  });
});

describe('the stream of the server', () => {
  it('is opened again when it ends or breaks, and brings notifications as before', async () => {
    await using server = await ScriptedServer.start();
    const logged: unknown[] = [];
    await using scenario = await connected(server.url, {
      prepare: (client) =>
        client.setNotificationHandler(
          LoggingMessageNotificationSchema,
          ({ params }) => void logged.push(params.data),
        ),
    });
    await scenario.fact('streamOpened');
    let opened = 1;
    for (const how of ['end', 'reset', 'end'] as const) {
      server.closeGetStreams(how);
      await scenario.fact('streamOpened', ++opened);
      server.notify('notifications/message', { level: 'info', data: how });
    }
    await scenario.call('peek', 'a');
    assert.deepEqual(logged, ['end', 'reset', 'end']);
    assert.equal(server.count({ rpc: 'initialize' }), 1);
  });

  it('is opened anew, without the event id, when the server does not take that', async () => {
    await using server = await ScriptedServer.start(withEventIds);
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    server.notify('notifications/message', { level: 'info', data: 'an event with an id' });
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: null,
      error: { code: -32000, message: 'Invalid event ID format' },
    });
    server.answerAlways({ method: 'GET', resuming: true }, { status: 400, body });
    server.closeGetStreams('end');
    await scenario.fact('streamOpened', 2);
    assert.equal(server.count({ method: 'GET', resuming: true }), 1);
    assert.equal(server.count({ rpc: 'initialize' }), 1);
  });

  it('shows a session that was lost while idle: it is healed before the next call', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    await server.restart('404-json');
    await scenario.state(({ generation, status }) => generation === 2 && status === 'ready');
    assert.equal(server.count({ rpc: 'tools/call' }), 0);
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(server.count({ rpc: 'initialize' }), 2);
  });

  it('where there is none, an idle ping shows a lost session', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ method: 'GET' }, { status: 405 });
    await using scenario = await connected(server.url, { idlePingMs: 10 });
    await server.received({ rpc: 'ping' });
    server.forgetSessions('400-json');
    await scenario.state(({ generation, status }) => generation === 2 && status === 'ready');
    assert.equal(server.count({ rpc: 'tools/call' }), 0);
  });

  it('may bring the answer to a request that the server took with 202', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    server.answerNext({ tool: 'count' }, { status: 202 });
    const calling = scenario.call('count', 'a');
    await server.answered({ tool: 'count' });
    const asked = server.requests.find(({ tool }) => tool === 'count');
    const result = { content: [{ type: 'text', text: 'elsewhere' }] };
    for (const session of server.sessions)
      session.stream?.send({ jsonrpc: '2.0', id: asked?.id ?? 0, result });
    assert.equal(await calling, 'elsewhere');
  });

  it('that ends while such an answer is awaited, with its session, leaves nobody waiting', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    server.answerNext({ tool: 'count' }, { status: 202 });
    const calling = scenario.call('count', 'a');
    await server.answered({ tool: 'count' });
    await server.restart('404-json');
    assert.equal(await calling, 'OUTCOME_UNKNOWN');
  });
});

describe('progress and cancellation', () => {
  it('work on a call that was carried to a new session', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    server.forgetSessions('404-json');
    const hold = server.hold({ tool: 'count' });
    const progress: number[] = [];
    const controller = new AbortController();
    const calling = scenario.client.callTool({ name: 'count', arguments: { key: 'a' } }, undefined, {
      signal: controller.signal,
      onprogress: (each) => progress.push(each.progress),
    });
    const settled = calling.catch((error: Error) => error.message);
    await hold.arrived();
    const seen = Promise.withResolvers<void>();
    hold.send((request) => ({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: {
        progressToken: progressTokenOf(request.message ?? {}),
        progress: 1,
      },
    }));
    await scenario.call('peek', 'b').then(() => seen.resolve());
    await seen.promise;
    assert.deepEqual(progress, [1]);
    controller.abort('no longer wanted');
    await server.received({ rpc: 'notifications/cancelled' });
    assert.match(String(await settled), /no longer wanted/);
    assert.deepEqual(server.violations, []);
    hold.release();
  });

  it('a call that is given up while it waits for a session is never sent', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    await server.refuseConnections();
    await scenario.fact('attemptFailed');
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const calling = scenario.client.callTool({ name: 'count', arguments: { key: 'a' } }, undefined, options);
    controller.abort();
    await assert.rejects(calling);
    await server.acceptConnections();
    assert.equal(await scenario.call('count', 'b'), 'ran b');
    assert.equal(server.runs('a'), 0);
    assert.equal(server.count({ rpc: 'notifications/cancelled' }), 0);
  });
});

describe('what no server should do', () => {
  it('a server that freezes in a call and comes back: the call is answered, once', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    const hold = server.hold({ tool: 'count' });
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    server.freeze();
    const second = scenario.call('peek', 'b');
    server.thaw();
    hold.release();
    assert.deepEqual(await Promise.all([calling, second]), ['ran a', 'ran b']);
    assert.equal(server.runs('a'), 1);
  });

  it('a server that never answers the handshake of a recovery: the attempt ends, and another is made', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { environment: { clock }, patienceMs: 3_600_000 });
    server.forgetSessions('404-json');
    server.answerNext({ rpc: 'initialize' }, 'hang', 2);
    const calling = scenario.call('count', 'a');
    for (const attempts of [2, 3]) {
      await server.received({ rpc: 'initialize' }, attempts);
      // As long as one may take, and as long as the next waits.
      await clock.advance(300_000);
      await clock.advance(20);
    }
    assert.equal(await calling, 'ran a');
    assert.equal(server.count({ rpc: 'initialize' }), 4);
  });

  it('a second restart in the middle of a recovery', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    server.forgetSessions('404-json');
    const hold = server.hold({ rpc: 'notifications/initialized' }, 'before-run');
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    await server.restart('400-text');
    hold.release();
    assert.equal(await calling, 'ran a');
    assert.equal(server.runs('a'), 1);
  });

  it('close() in the middle of a recovery leaves nobody waiting', async () => {
    await using server = await ScriptedServer.start();
    const scenario = await connected(server.url);
    server.forgetSessions('404-json');
    const hold = server.hold({ rpc: 'initialize' }, 'before-run');
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    await scenario.client.close();
    assert.match(await calling, /CONNECTION_CLOSED|Connection closed/);
    hold.release();
  });
});
