import assert from 'node:assert/strict';
import { freePort } from '../../harness/free-port.ts';
import { connected } from '../support/connected.ts';
import { codeOf, isFailure } from '../support/failure.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { itDirectly } from '../support/way.ts';

describe('answers of every form', () => {
  for (const answers of ['sse', 'json'] as const) {
    for (const compress of ['gzip', 'br', 'deflate', undefined] as const) {
      it(`are read: ${answers}, ${compress ?? 'not compressed'}, in chunks of 3 bytes, over a lost session`, async () => {
        await using server = await ScriptedServer.start({ style: { answers, compress, chunkBytes: 3 } });
        await using scenario = await connected(server.url);
        assert.equal(await scenario.call('count', 'ä❤𝄞'), 'ran ä❤𝄞');
        server.forgetSessions('404-json');
        assert.equal(await scenario.call('count', 'b'), 'ran b');
      });
    }
  }

  it('are read where a name leads to several addresses, of which one serves', async () => {
    await using server = await ScriptedServer.start({ host: 'localhost' });
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    await server.restart('404-json');
    await scenario.state(({ generation, status }) => generation === 2 && status === 'ready');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });

  it('are read when the session id is as long as is allowed; a longer one is refused in words', async () => {
    const ids = ['x'.repeat(4096), 'y'.repeat(4097)];
    await using server = await ScriptedServer.start({ sessionIds: () => ids.shift() ?? 'z' });
    await using scenario = await connected(server.url);
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(await connected(server.url).catch(codeOf), 'PROTOCOL_VIOLATION');
  });
});

describe('answers without end', () => {
  it('a body: a typed error that names its bound', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, { limits: { maxBodyBytes: 10_000 } });
    const headers = { 'content-type': 'application/json' };
    server.answerNext({ tool: 'count' }, { status: 200, headers, body: endless(' '.repeat(1000)) });
    const failure = await scenario.client
      .callTool({ name: 'count', arguments: { key: 'a' } })
      .catch((error) => error);
    assert.ok(isFailure(failure, 'LIMIT_EXCEEDED'));
    assert.match(failure.message, /limits\.maxBodyBytes/);
    assert.equal(await scenario.call('count', 'b'), 'ran b');
  });

  it('a line of a stream: a typed error that names its bound', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, { limits: { maxEventLength: 10_000 } });
    const headers = { 'content-type': 'text/event-stream' };
    server.answerNext(
      { tool: 'count' },
      { status: 200, headers, body: endless(`data: ${'x'.repeat(1000)}`) },
    );
    const failure = await scenario.client
      .callTool({ name: 'count', arguments: { key: 'a' } })
      .catch((error) => error);
    assert.ok(isFailure(failure, 'LIMIT_EXCEEDED'), String(failure));
    assert.match(failure.message, /limits\.maxEventLength/);
  });

  it('a refusal: its head is enough for the verdict', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    server.answerNext({ tool: 'count' }, { status: 404, body: endless('Session not found '.repeat(100)) });
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(server.count({ rpc: 'initialize' }), 2);
  });

  it('requests: the one too many is refused in words', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, { limits: { maxPendingRequests: 3 } });
    const hold = server.hold({ rpc: 'tools/call' });
    const calling = ['a', 'b', 'c'].map((key) => scenario.call('count', key));
    await hold.arrived(3);
    assert.equal(await scenario.call('count', 'd'), 'LIMIT_EXCEEDED');
    hold.release();
    assert.deepEqual(await Promise.all(calling), ['ran a', 'ran b', 'ran c']);
  });
});

describe('a very large answer', () => {
  for (const answers of ['json', 'sse'] as const) {
    itDirectly(`of 17 MiB is read (${answers})`, async () => {
      await using server = await ScriptedServer.start({ style: { answers } });
      await using scenario = await connected(server.url);
      const key = 'x'.repeat(17 * 1024 * 1024);
      assert.equal((await scenario.call('count', key)).length, key.length + 'ran '.length);
    });
  }

  it('of 8 MiB in one event is read', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    const key = 'x'.repeat(8 * 1024 * 1024);
    assert.equal((await scenario.call('count', key)).length, key.length + 'ran '.length);
  });
});

describe('a redirect', () => {
  const secret = { requestInit: { headers: { 'x-api-key': 'secret' } } };

  it('within the origin is followed, method and secrets kept', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, secret);
    server.answerNext({ tool: 'count' }, { status: 307, headers: { location: '/mcp' } });
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(server.requests.at(-1)?.headers['x-api-key'], 'secret');
  });

  it('to another origin is not followed: session id and secrets stay where they are', async () => {
    await using server = await ScriptedServer.start();
    await using other = await ScriptedServer.start();
    await using scenario = await connected(server.url, secret);
    for (const status of [301, 302, 303, 307, 308]) {
      server.answerNext({ tool: 'count' }, { status, headers: { location: other.url } });
      const failure = await scenario.client
        .callTool({ name: 'count', arguments: { key: 'a' } })
        .catch((error) => error);
      assert.ok(isFailure(failure, 'HTTP_STATUS'), String(failure));
      assert.match(failure.message, /redirects/);
    }
    assert.equal(other.requests.length, 0);
    assert.equal(server.count({ rpc: 'initialize' }), 1);
  });

  it('in a circle ends', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    const rule = server.answerAlways({ tool: 'count' }, { status: 307, headers: { location: '/mcp' } });
    assert.equal(await scenario.call('count', 'a'), 'HTTP_STATUS');
    assert.ok(rule.used <= 6);
  });
});

describe('headers', () => {
  it('come from requestInit and, made anew for each request, from a function; never a session id of the user', async () => {
    await using server = await ScriptedServer.start();
    let count = 0;
    await using scenario = await connected(server.url, {
      requestInit: { headers: { 'x-static': 'yes', 'x-token': 'old', 'mcp-session-id': 'mine' } },
      headers: async () => ({ 'x-token': `fresh ${++count}` }),
    });
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    const tokens = server.requests.map(({ headers }) => headers['x-token']);
    assert.equal(new Set(tokens).size, tokens.length);
    assert.ok(server.requests.every(({ headers }) => headers['x-static'] === 'yes'));
    assert.equal(server.count({ sessionId: 'mine' }), 0);
  });

  it('name the version that this session agreed on, and none under 2025-03-26', async () => {
    await using server = await ScriptedServer.start({ face: { protocolVersions: ['2025-03-26'] } });
    await using scenario = await connected(server.url);
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(server.requests.at(-1)?.protocolVersionHeader, undefined);
    server.face.protocolVersions = ['2025-06-18'];
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('count', 'b'), 'ran b');
    assert.equal(server.requests.findLast(({ key }) => key === 'b')?.protocolVersionHeader, '2025-06-18');
  });
});

describe('a peer that vanished', () => {
  it('without closing its sockets: a call that is given up does not stop the next one', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, { recovery: { attemptTimeoutMs: 50 } });
    await scenario.client.listTools();
    const hold = server.hold({ tool: 'peek' });
    const giveUp = new AbortController();
    const options = { signal: giveUp.signal };
    const calling = scenario.client.callTool({ name: 'peek', arguments: { key: 'a' } }, undefined, options);
    await hold.arrived();
    server.abandonConnections();
    giveUp.abort();
    await assert.rejects(calling);
    await scenario.transport.resetSession();
    assert.equal(await scenario.call('count', 'b'), 'ran b');
  });

  it('and a port where nobody listens: connect fails in words', async () => {
    const failure = await connected(`http://localhost:${await freePort()}/mcp`, {
      connectPatienceMs: 500,
    }).catch((e) => e);
    assert.ok(isFailure(failure, 'SERVER_UNAVAILABLE'));
    assert.match(failure.message, /ECONNREFUSED/);
  });
});

async function* endless(chunk: string): AsyncGenerator<string> {
  for (;;) yield chunk;
}
