import assert from 'node:assert/strict';
import type { ResilientTransport } from '../../src/client/index.ts';
import { connected } from '../support/connected.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

describe('a new session has what the old one held', () => {
  for (const fault of ['reset-before', 'reset-after-run'] as const) {
    it(`"initialized" that meets a cut connection (${fault}) is said again: a client that connects then is connected`, async () => {
      await using server = await ScriptedServer.start();
      server.answerNext({ rpc: 'notifications/initialized' }, fault);
      await using scenario = await connected(server.url);
      assert.equal(await scenario.call('count', 'a'), 'ran a');
      assert.equal(server.count({ rpc: 'initialize' }), 1);
    });
  }

  it('log level and subscriptions, before the refused call is sent again', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.client.setLoggingLevel('warning');
    await scenario.client.subscribeResource({ uri: 'test://one' });
    await scenario.client.subscribeResource({ uri: 'test://two' });
    await scenario.client.unsubscribeResource({ uri: 'test://two' });
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    const [session] = server.sessions;
    assert.equal(session?.logLevel, 'warning');
    assert.deepEqual([...(session?.subscriptions ?? [])], ['test://one']);
    const order = server.requests.slice(server.requests.findLastIndex(({ rpc }) => rpc === 'initialize'));
    const restored = order.findLastIndex(
      ({ rpc }) => rpc === 'resources/subscribe' || rpc === 'logging/setLevel',
    );
    assert.ok(restored < order.findIndex(({ tool }) => tool === 'count'));
    await scenario.fact('streamOpened', 2);
    assert.equal(server.updateResource('test://one'), 1);
  });

  it('nothing that the server had refused', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.client.subscribeResource({ uri: 'test://one' });
    server.answerNext(
      ({ rpc, message }) => rpc === 'resources/subscribe' && message?.params?.uri === 'test://two',
      { status: 403 },
    );
    await assert.rejects(scenario.client.subscribeResource({ uri: 'test://two' }));
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.deepEqual([...(server.sessions[0]?.subscriptions ?? [])], ['test://one']);
  });

  it('a thousand subscriptions', async () => {
    const uris = Array.from({ length: 1000 }, (_, index) => `test://${index}`);
    await using server = await ScriptedServer.start({ face: { resources: uris } });
    await using scenario = await connected(server.url);
    await Promise.all(uris.map((uri) => scenario.client.subscribeResource({ uri })));
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(server.sessions[0]?.subscriptions.size, 1000);
    assert.deepEqual(
      scenario.facts('stateRestored').map((fact) => fact.kind === 'stateRestored' && fact.failed),
      [0],
    );
  });

  it('except what the new server no longer has: that is counted, and the rest restored', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.client.subscribeResource({ uri: 'test://one' });
    await scenario.client.subscribeResource({ uri: 'test://two' });
    server.answerNext(
      ({ rpc, message }) =>
        rpc === 'resources/subscribe' &&
        message?.params?.uri === 'test://one' &&
        server.count({ rpc: 'initialize' }) > 1,
      { status: 500 },
    );
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.deepEqual([...(server.sessions[0]?.subscriptions ?? [])], ['test://two']);
    const [fact] = scenario.facts('stateRestored');
    assert.ok(fact?.kind === 'stateRestored' && fact.failed === 1 && fact.subscriptions === 2);
  });
});

describe('a server that came back different', () => {
  it('has each changed list told by one list_changed, and no unchanged one', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.client.listTools();
    await scenario.client.listPrompts();
    await scenario.client.listResources();
    server.face.tools = [...server.face.tools, { name: 'new' }];
    server.face.version = '2.0.0';
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    // The lists are compared in their order, so the resources, listed last, were compared last.
    await server.answered({ rpc: 'resources/list' }, 2);
    assert.equal(await scenario.call('count', 'b'), 'ran b');
    await scenario.heard(1);
    assert.deepEqual(scenario.told, ['notifications/tools/list_changed']);
    const changed = scenario.facts('serverChanged').map((fact) => fact.kind === 'serverChanged' && fact.what);
    assert.deepEqual(changed, [['version'], ['tools/list']]);
    assert.equal(scenario.transport.snapshot().server?.version, '2.0.0');
  });

  it('is compared page by page', async () => {
    await using server = await ScriptedServer.start({ face: { pageSize: 1 } });
    await using scenario = await connected(server.url);
    let cursor: string | undefined;
    do ({ nextCursor: cursor } = await scenario.client.listTools(cursor === undefined ? {} : { cursor }));
    while (cursor !== undefined);
    server.face.tools = server.face.tools.map((tool) =>
      tool.name === 'put' ? { ...tool, description: 'new' } : tool,
    );
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    await scenario.fact('serverChanged');
    await scenario.heard(1);
    assert.deepEqual(scenario.told, ['notifications/tools/list_changed']);
  });

  it('is told nothing when it is the same', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.client.listTools();
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    await server.answered({ rpc: 'tools/list' }, 2);
    assert.equal(await scenario.call('count', 'b'), 'ran b');
    assert.deepEqual(scenario.told, []);
    assert.equal(scenario.facts('serverChanged').length, 0);
  });

  it('is told nothing of a list that the client has fetched anew meanwhile', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.client.listTools();
    server.face.tools = [...server.face.tools, { name: 'new' }];
    server.forgetSessions('404-json');
    // The comparison's own request: its ids are words, those of the client numbers.
    const hold = server.hold(({ rpc, id }) => rpc === 'tools/list' && typeof id === 'string');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    await hold.arrived();
    assert.equal((await scenario.client.listTools()).tools.length, 4);
    hold.release();
    await server.ended({ rpc: 'tools/list' }, 3);
    assert.equal(await scenario.call('count', 'b'), 'ran b');
    assert.deepEqual(scenario.told, []);
  });

  it('brings its new tool hints into the replay rule', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.client.listTools();
    server.face.tools = [{ name: 'peek', annotations: { readOnlyHint: false } }];
    server.forgetSessions('404-json');
    await scenario.call('count', 'a');
    await scenario.fact('serverChanged');
    server.answerNext({ tool: 'peek' }, 'reset-after-run');
    assert.equal(await scenario.call('peek', 'b'), 'OUTCOME_UNKNOWN');
  });
});

describe('a reset on request', () => {
  it('ends the old session with DELETE, opens a new one, and answers what was under way on the old', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    const hold = server.hold({ tool: 'count' });
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    const { generation, status } = await scenario.transport.resetSession();
    assert.deepEqual([generation, status], [2, 'ready']);
    assert.equal(server.sessions.length, 2);
    hold.release();
    assert.equal(await calling, 'ran a');
    await scenario.fact('sessionEnded');
    assert.equal(server.sessions.length, 1);
    assert.equal(server.runs('a'), 1);
  });

  it('between the handshake and notifications/initialized does not lose the latter', async () => {
    await using server = await ScriptedServer.start();
    const hold = server.hold({ rpc: 'notifications/initialized' }, 'before-run');
    let transport: ResilientTransport | undefined;
    const connecting = connected(server.url, { seen: (each) => (transport = each) });
    await hold.arrived();
    // The old session is ended under the notification that was on its way to it.
    assert.equal((await transport?.resetSession())?.generation, 2);
    await server.ended({ rpc: 'notifications/initialized' });
    hold.release();
    await using scenario = await connecting;
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    await scenario.fact('streamOpened');
    assert.ok(server.sessions.every(({ initialized }) => initialized));
  });

  it('asked for during a recovery follows it; asked for many times, it is one', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    server.forgetSessions('404-json');
    const hold = server.hold({ rpc: 'initialize' }, 'before-run');
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    const resets = [1, 2, 3].map(() => scenario.transport.resetSession());
    hold.release();
    assert.deepEqual(
      (await Promise.all(resets)).map(({ generation }) => generation),
      [3, 3, 3],
    );
    assert.equal(await calling, 'ran a');
    await scenario.fact('sessionEnded');
    assert.equal(server.sessions.length, 1);
    assert.equal(server.count({ rpc: 'initialize' }), 3);
  });

  it('tries at once when the connection is down, and fails in words when that does not help', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, {
      patienceMs: 1500,
      recovery: { probeIntervalMs: 60_000 },
    });
    await scenario.fact('streamOpened');
    await server.refuseConnections();
    await scenario.state(({ status }) => status === 'down');
    await assert.rejects(scenario.transport.resetSession(), /ECONNREFUSED/);
    await server.acceptConnections();
    assert.equal((await scenario.transport.resetSession()).status, 'ready');
  });
});
