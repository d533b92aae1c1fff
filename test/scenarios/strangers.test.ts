import assert from 'node:assert/strict';
import { type Connected, connected } from '../support/connected.ts';
import { isFailure } from '../support/failure.ts';
import type { ScriptedTool } from '../support/scripted/mcp.ts';
import { jsonReply } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

const count: ScriptedTool = { name: 'count' };
const stricter: ScriptedTool = {
  name: 'count',
  inputSchema: { type: 'object', properties: { key: { type: 'string' } }, required: ['key'] },
};

const failureOf = (scenario: Connected, tool: string, key: string) =>
  scenario.client.callTool({ name: tool, arguments: { key } }).catch((error: unknown) => error as Error);

describe('another server has the port', () => {
  let server: ScriptedServer;
  let scenario: Connected;

  beforeEach(async () => {
    server = await ScriptedServer.start();
    scenario = await connected(server.url);
    await scenario.client.listTools();
  });
  afterEach(async () => {
    await scenario.client.close();
    await server.close();
  });

  /** Another program, on the same port. */
  const replaced = async (face: Partial<ScriptedServer['face']>) => {
    Object.assign(server.face, face);
    await server.restart('404-json');
  };

  it('a call that came before and may not be repeated does not run there, and says who is who', async () => {
    server.forgetSessions('404-json');
    Object.assign(server.face, { name: 'other', version: '7.0.0' });
    const failure = await failureOf(scenario, 'count', 'a');
    assert.ok(isFailure(failure, 'SERVER_CHANGED'), String(failure));
    assert.match(
      failure.message,
      /was not sent: another server .* "other" 7\.0\.0 in place of "scripted" 1\.0\.0/,
    );
    assert.equal(server.runs('a'), 0);
    const [fact] = scenario.facts('requestFailed');
    assert.equal(fact?.kind === 'requestFailed' && fact.code, 'SERVER_CHANGED');
  });

  it('what only reads goes on, and so does every call that comes later', async () => {
    await replaced({ name: 'other' });
    assert.equal(await scenario.call('peek', 'read'), 'ran read');
    assert.equal(await scenario.call('put', 'put'), 'ran put');
    assert.equal(await scenario.call('count', 'later'), 'ran later');
  });

  it('fifty calls that wait: those that may not be repeated fail, the others are answered, by one new session', async () => {
    const hold = server.hold({ rpc: 'tools/call' }, 'before-run');
    const calling = Array.from({ length: 50 }, (_, index) =>
      scenario.call(index % 2 ? 'peek' : 'count', `k${index}`),
    );
    await hold.arrived(50);
    Object.assign(server.face, { name: 'other' });
    server.forgetSessions('404-json');
    hold.release();
    for (const [index, got] of (await Promise.all(calling)).entries()) {
      assert.equal(got, index % 2 ? `ran k${index}` : 'SERVER_CHANGED');
      assert.equal(server.runs(`k${index}`), index % 2);
    }
    assert.equal(server.count({ rpc: 'initialize' }), 2);
  });

  it('a call that was refused because nobody listened does not run at who comes to listen', async () => {
    await scenario.fact('streamOpened');
    await server.refuseConnections();
    await scenario.state(({ status }) => status === 'unreachable');
    const calling = failureOf(scenario, 'count', 'a');
    Object.assign(server.face, { name: 'other' });
    server.forgetSessions('400-json');
    await server.acceptConnections();
    assert.ok(isFailure(await calling, 'SERVER_CHANGED'));
    assert.equal(server.runs(), 0);
  });

  for (const [what, tools, words] of [
    ['has no such tool', [{ name: 'other' }], /has no tool of that name any more/],
    ['takes another input', [stricter], /takes another input now/],
  ] as const) {
    for (const [who, version] of [
      ['a new version', '2.0.0'],
      ['one that calls itself the same', '1.0.0'],
    ] as const) {
      it(`${who} that ${what} does not get it`, async () => {
        Object.assign(server.face, { tools, version });
        server.forgetSessions('404-json');
        const failure = await failureOf(scenario, 'count', 'a');
        assert.ok(isFailure(failure, 'SERVER_CHANGED'), String(failure));
        assert.match(failure.message, words);
        assert.equal(server.runs('a'), 0);
        await scenario.heard(1);
        assert.deepEqual(scenario.told, ['notifications/tools/list_changed']);
        const later = await failureOf(scenario, 'count', 'b');
        assert.equal(isFailure(later, 'SERVER_CHANGED'), false);
      });
    }
  }

  it('a tool on a later page is looked for there', async () => {
    Object.assign(server.face, { version: '2.0.0', tools: [{ name: 'first' }, count], pageSize: 1 });
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });

  it('a new version whose tool is the same, in other words for readers, gets it; the tools are listed once', async () => {
    Object.assign(server.face, {
      version: '2.0.0',
      tools: [{ ...count, description: 'better' }, ...server.face.tools.slice(1)],
    });
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    await scenario.heard(1);
    assert.deepEqual(scenario.told, ['notifications/tools/list_changed']);
    assert.equal(server.count({ rpc: 'tools/list' }), 2);
  });

  it('a server that does not list its tools gets the call: nothing says that it is another', async () => {
    server.answerAlways(({ rpc }) => rpc === 'tools/list', { status: 500 });
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });

  it('what the user calls safe is sent to whoever answers', async () => {
    await using own = await connected(server.url, { replay: { tools: { count: 'always' } } });
    Object.assign(server.face, { name: 'other' });
    server.forgetSessions('404-json');
    assert.equal(await own.call('count', 'a'), 'ran a');
  });

  it('lists that it does not have any more are told as changed', async () => {
    await scenario.client.listPrompts();
    Object.assign(server.face, { name: 'other', capabilities: { tools: {} } });
    server.answerAlways(({ rpc }) => rpc === 'prompts/list', { status: 400 });
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('peek', 'a'), 'ran a');
    await scenario.heard(1);
    assert.deepEqual(scenario.told, ['notifications/prompts/list_changed']);
  });
});

describe('another server has the port of one that knows no sessions', () => {
  let server: ScriptedServer;
  let scenario: Connected;

  beforeEach(async () => {
    server = await ScriptedServer.start({ sessionIds: false });
    scenario = await connected(server.url);
    await scenario.client.listTools();
  });
  afterEach(async () => {
    await scenario.client.close();
    await server.close();
  });

  /** Calls while nobody listens, and then has somebody listen. */
  const callMeanwhile = async (face: Partial<ScriptedServer['face']>, tool = 'count') => {
    await server.refuseConnections();
    const calling = failureOf(scenario, tool, 'a');
    await scenario.state(({ status }) => status === 'unreachable');
    Object.assign(server.face, face);
    await server.acceptConnections();
    return calling;
  };

  it('a call that waited for it to come back and may not be repeated does not run there', async () => {
    const failure = await callMeanwhile({ name: 'other', tools: [count] });
    assert.ok(isFailure(failure, 'SERVER_CHANGED'), String(failure));
    assert.match(failure.message, /"other" 1\.0\.0 in place of "scripted" 1\.0\.0/);
    assert.equal(server.runs(), 0);
    assert.equal(await scenario.call('count', 'later'), 'ran later');
    await scenario.heard(1);
    assert.deepEqual(scenario.told, ['notifications/tools/list_changed']);
  });

  it('nor where its tool takes another input', async () => {
    const failure = await callMeanwhile({ tools: [stricter] });
    assert.ok(isFailure(failure, 'SERVER_CHANGED'), String(failure));
    assert.equal(server.runs(), 0);
  });

  it('what is the same gets it, after one question; what only reads is not asked about', async () => {
    await callMeanwhile({});
    assert.equal(server.runs('a'), 1);
    assert.equal(server.count({ rpc: 'initialize' }), 2);
    await callMeanwhile({ name: 'other' }, 'peek');
    assert.equal(server.runs('a'), 2);
    assert.equal(server.count({ rpc: 'initialize' }), 2);
  });
});

describe('a server that looks at no session ids has the port of one that gave them out', () => {
  const freshAt = (server: ScriptedServer, face: Partial<ScriptedServer['face']>) =>
    ScriptedServer.start({ port: Number(new URL(server.url).port), sessionIds: false, face });

  /** Calls while nobody listens, and then has another server listen. */
  const callMeanwhile = async (face: Partial<ScriptedServer['face']>) => {
    const first = await ScriptedServer.start();
    const scenario = await connected(first.url);
    await scenario.client.listTools();
    await scenario.fact('streamOpened');
    await first.close();
    await scenario.state(({ status }) => status === 'unreachable');
    const calling = [failureOf(scenario, 'count', 'a'), failureOf(scenario, 'peek', 'b')];
    const second = await freshAt(first, face);
    const [written, read] = await Promise.all(calling);
    return { scenario, second, written, read };
  };

  it('a call that may not be repeated does not run at another one, though its tool is the same', async () => {
    const { scenario, second, written, read } = await callMeanwhile({ name: 'other' });
    assert.ok(isFailure(written, 'SERVER_CHANGED'), String(written));
    assert.equal(isFailure(read, 'SERVER_CHANGED'), false);
    assert.equal(second.runs('a'), 0);
    assert.equal(await scenario.call('count', 'later'), 'ran later');
    await scenario.client.close();
    await second.close();
  });

  it('nor at another one that gives out ids of its own, and takes any', async () => {
    const first = await ScriptedServer.start();
    const scenario = await connected(first.url);
    await scenario.client.listTools();
    await scenario.fact('streamOpened');
    await first.close();
    await scenario.state(({ status }) => status === 'unreachable');
    const calling = failureOf(scenario, 'count', 'a');
    const second = await freshAt(first, { name: 'other' });
    const serverInfo = { name: 'other', version: '1.0.0' };
    const result = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo };
    second.answerAlways({ rpc: 'initialize' }, ({ id }) =>
      jsonReply(200, { jsonrpc: '2.0', id, result }, { 'mcp-session-id': 'of-another' }),
    );
    const written = await calling;
    assert.ok(isFailure(written, 'SERVER_CHANGED'), String(written));
    assert.equal(second.runs('a'), 0);
    await scenario.client.close();
    await second.close();
  });

  it('it runs at one that bears the same name', async () => {
    const { scenario, second } = await callMeanwhile({});
    assert.equal(second.runs('a'), 1);
    await scenario.client.close();
    await second.close();
  });
});

describe('a server that keeps its sessions over a restart', () => {
  it('is asked whether it looks at ids, and is left with the one session that it had', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.client.listTools();
    await scenario.fact('streamOpened');
    await server.refuseConnections();
    await scenario.state(({ status }) => status === 'unreachable');
    const calling = scenario.call('count', 'a');
    await server.acceptConnections();
    assert.equal(await calling, 'ran a');
    assert.equal(server.count({ rpc: 'initialize' }), 1);
    assert.equal(server.sessions.length, 1);
    assert.deepEqual(scenario.facts('sessionLost'), []);
  });

  it('does not get a call whose tool takes another input now', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.client.listTools();
    await scenario.fact('streamOpened');
    await server.refuseConnections();
    await scenario.state(({ status }) => status === 'unreachable');
    const calling = [failureOf(scenario, 'count', 'a'), failureOf(scenario, 'peek', 'b')];
    server.face.tools = [stricter, ...server.face.tools.slice(1)];
    await server.acceptConnections();
    const [written, read] = await Promise.all(calling);
    // It came after the outage had begun, and before another one answered.
    assert.ok(isFailure(written, 'SERVER_CHANGED'), String(written));
    assert.equal(isFailure(read, 'SERVER_CHANGED'), false);
    assert.equal(server.runs('a'), 0);
    assert.equal(server.count({ rpc: 'initialize' }), 1);
  });
});

describe('the hints of a tool that the client has not listed', () => {
  it('are asked for when they are wanted: a call that only reads is made again', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    for (const key of ['a', 'b']) {
      server.answerNext({ tool: 'peek' }, 'reset-after-run');
      assert.equal(await scenario.call('peek', key), `ran ${key}`);
    }
    assert.equal(server.count({ rpc: 'tools/list' }), 1);
    assert.deepEqual(scenario.told, []);
  });

  it('are asked for of the new session when the server was killed', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    const hold = server.hold({ rpc: 'tools/call' });
    const calling = [scenario.call('peek', 'a'), scenario.call('count', 'b'), scenario.call('put', 'c')];
    await hold.arrived(3);
    hold.release();
    await server.restart('404-json');
    const got = await Promise.all(calling);
    assert.equal(got[0], 'ran a');
    assert.equal(got[2], 'ran c');
    assert.ok(server.runs('b') <= 1);
    assert.equal(server.count({ rpc: 'tools/list' }), 1);
  });

  it('are asked for once by fifty calls', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    server.answerNext({ tool: 'peek' }, 'reset-after-run', 50);
    const keys = Array.from({ length: 50 }, (_, index) => `k${index}`);
    const got = await Promise.all(keys.map((key) => scenario.call('peek', key)));
    assert.deepEqual(
      got,
      keys.map((key) => `ran ${key}`),
    );
    assert.equal(server.count({ rpc: 'tools/list' }), 1);
  });

  it('are said to be unknown where the server does not tell them, and not to be none', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    server.answerAlways(({ rpc }) => rpc === 'tools/list', { status: 400 });
    server.answerNext({ tool: 'peek' }, 'reset-after-run');
    const failure = await failureOf(scenario, 'peek', 'a');
    assert.ok(isFailure(failure, 'OUTCOME_UNKNOWN'), String(failure));
    assert.match(failure.message, /since the hints of the tool are not known\./);
    assert.equal(server.runs('a'), 1);
  });

  it('are not taken from another server', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    const hold = server.hold({ tool: 'peek' });
    const calling = failureOf(scenario, 'peek', 'a');
    await hold.arrived();
    Object.assign(server.face, { name: 'other' });
    await server.restart('404-json');
    hold.release();
    assert.ok(isFailure(await calling, 'OUTCOME_UNKNOWN'));
    assert.equal(server.runs('a'), 1);
  });

  it('are known from then on, and a tool without any is none that may be repeated', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    server.answerNext({ tool: 'count' }, 'reset-after-run', 2);
    for (const key of ['a', 'b']) {
      const failure = await failureOf(scenario, 'count', key);
      assert.ok(isFailure(failure, 'OUTCOME_UNKNOWN'), String(failure));
      assert.match(failure.message, /since the tool is neither read-only nor idempotent\./);
    }
    assert.equal(server.count({ rpc: 'tools/list' }), 1);
  });

  it('are asked for again once the server has said that its tools are others', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    server.answerNext({ tool: 'peek' }, 'reset-after-run');
    assert.equal(await scenario.call('peek', 'a'), 'ran a');
    server.face.tools = [...server.face.tools, { name: 'look', annotations: { readOnlyHint: true } }];
    server.notify('notifications/tools/list_changed');
    await scenario.heard(1);
    server.answerNext({ tool: 'look' }, 'reset-after-run');
    assert.equal(await scenario.call('look', 'b'), 'ran b');
  });
});
