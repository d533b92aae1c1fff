import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { HealingTransport } from '../../src/client/healing-transport.ts';
import { isResilientMcpError } from '../../src/client/index.ts';
import type { SseServerConfig } from '../../src/config/server-config.ts';
import { type OpenOptions, transportOpener } from '../../src/hub/open/open-transport.ts';
import { readMessages, textOf } from '../../src/protocol/text/message-text.ts';
import { type Connected, connectedBy, quick } from '../support/connected.ts';
import { isFailure } from '../support/failure.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { SseServer } from '../support/sse-server.ts';

function openSse(
  url: string,
  options: OpenOptions = {},
  entry: Partial<SseServerConfig> = {},
): HealingTransport {
  const config: SseServerConfig = {
    type: 'sse',
    name: 'old',
    url,
    headers: {},
    shared: false,
    replay: { default: 'hints', tools: {} },
    ...entry,
  };
  const recovery = { ...quick.recovery, ...options.recovery };
  return transportOpener({})(config, { connectPatienceMs: 60_000, ...options, recovery });
}

const connect = (server: SseServer, options?: OpenOptions, entry?: Partial<SseServerConfig>) =>
  connectedBy(openSse(server.url, options, entry));

const generation = (scenario: Connected<HealingTransport>, wanted: number) =>
  scenario.state((now) => now.status === 'ready' && now.generation === wanted);

describe('a server of the HTTP+SSE transport', () => {
  it('is connected and called, with the headers of its entry on both addresses', async () => {
    await using server = await SseServer.start();
    await using scenario = await connect(server, {}, { headers: { 'X-Team': 'one' } });
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.ok(server.headers.length >= 3);
    assert.ok(server.headers.every((headers) => headers['x-team'] === 'one'));
    assert.equal(server.headers.at(-1)?.['mcp-protocol-version'], '2025-11-25');
  });

  for (const how of ['cut', 'endStreams'] as const) {
    it(`gets a new session by its own handshake when its stream ends (${how})`, async () => {
      await using server = await SseServer.start();
      await using scenario = await connect(server);
      await scenario.client.setLoggingLevel('debug');
      await scenario.client.subscribeResource({ uri: 'a://b' });
      server[how]();
      await generation(scenario, 2);
      assert.equal(await scenario.call('count', 'a'), 'ran a');
      assert.equal(server.count('level debug'), 2);
      assert.equal(server.count('subscribed a://b'), 2);
      // The SDK's transport would open one more by itself, and would use that one uninitialized.
      assert.equal(server.count('opened'), 2);
      assert.equal(server.streams, 1);
    });
  }

  it('has its stream cut where that is simulated, and is not reached for as long as is asked', async () => {
    await using server = await SseServer.start();
    await using scenario = await connect(server);
    scenario.transport.simulate({ kind: 'cut' });
    await generation(scenario, 2);
    scenario.transport.simulate({ kind: 'refuse', forMs: 50 });
    await generation(scenario, 3);
    assert.match(JSON.stringify(scenario.facts('attemptFailed')), /ECONNREFUSED \(simulated\)/);
    assert.throws(() => scenario.transport.simulate({ kind: 'kill' }), /can't be simulated/);
  });

  it('is back at once when it listens again while somebody waits', async () => {
    await using server = await SseServer.start();
    const never = 3_600_000;
    const recovery = { initialDelayMs: never, maxDelayMs: never, probeIntervalMs: never };
    await using scenario = await connect(server, { recovery, patienceMs: never });
    await server.stop();
    await scenario.state(({ status }) => status !== 'ready');
    const calling = scenario.call('count', 'a');
    await scenario.fact('attemptFailed');
    await server.listen();
    assert.equal(await calling, 'ran a');
    assert.equal(server.count('run count a'), 1);
  });

  it('gets a new session when it refuses a message with 404, and the message is sent again', async () => {
    await using server = await SseServer.start();
    await using scenario = await connect(server);
    server.forget();
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(server.count('run count a'), 1);
    assert.equal(scenario.transport.snapshot().generation, 2);
    assert.match(JSON.stringify(scenario.facts('sessionLost')), /404: Session not found/);
  });

  for (const [status, body] of [
    [400, 'No transport found for sessionId'],
    [400, 'Session is gone'],
    [410, ''],
  ] as const) {
    it(`takes ${status} "${body}" for a lost session`, async () => {
      await using server = await SseServer.start();
      await using scenario = await connect(server);
      server.unknownSession = { status, body };
      server.forget();
      assert.equal(await scenario.call('count', 'a'), 'ran a');
      assert.equal(server.count('run count a'), 1);
      assert.equal(scenario.transport.snapshot().generation, 2);
    });
  }

  it('passes on a refusal that is not about the session', async () => {
    await using server = await SseServer.start();
    await using scenario = await connect(server, {}, { headers: { Authorization: 'Bearer of-the-user' } });
    server.next({ status: 413, body: 'too large for Bearer of-the-user' });
    const failure = await scenario.client
      .callTool({ name: 'count', arguments: { key: 'a' } })
      .catch((error: unknown) => error);
    assert.ok(isResilientMcpError(failure, 'HTTP_STATUS'), String(failure));
    assert.equal(failure.status, 413);
    assert.doesNotMatch(JSON.stringify([failure.message, failure.body]), /of-the-user/);
    server.next({ status: 503 });
    assert.equal(await scenario.call('count', 'b'), 'ran b');
    server.next({ status: 401 });
    assert.equal(await scenario.call('count', 'c'), 'UNAUTHORIZED');
    assert.equal(scenario.transport.snapshot().generation, 1);
  });

  it('is never called twice when its stream ends after a call was taken', async () => {
    await using server = await SseServer.start();
    await using scenario = await connect(server);
    await scenario.client.listTools();
    server.next('cut-after-run');
    assert.equal(await scenario.call('count', 'a'), 'OUTCOME_UNKNOWN');
    assert.equal(server.count('run count a'), 1);
    server.next('cut-after-run');
    assert.equal(await scenario.call('peek', 'b'), 'ran b');
    assert.equal(server.count('run peek b'), 2);
    server.next('reset');
    assert.equal(await scenario.call('count', 'c'), 'OUTCOME_UNKNOWN');
    assert.equal(server.count('run count c'), 0);
    assert.equal(await scenario.call('count', 'd'), 'ran d');
  });

  it('may answer with as much as the limit allows; of more, that one call is told, and its stream is read on', async () => {
    await using server = await SseServer.start();
    await using scenario = await connect(server, { limits: { maxEventLength: 10_000 } });
    await scenario.client.listTools();
    const hanging = scenario.call('hang', 'other');
    const call = { name: 'peek', arguments: { key: 'a', bytes: 100_000 } };
    const failure = await scenario.client.callTool(call).catch((error: unknown) => error);
    assert.ok(isFailure(failure, 'LIMIT_EXCEEDED'), String(failure));
    assert.equal(server.count('run peek a'), 1);
    assert.equal(await scenario.call('peek', 'b'), 'ran b');
    assert.equal(server.count('opened'), 1);
    server.cut();
    assert.equal(await hanging, 'OUTCOME_UNKNOWN');
  });

  it('is waited for while it is away, and then answers what was called meanwhile', async () => {
    await using server = await SseServer.start();
    await using scenario = await connect(server);
    await scenario.client.listTools();
    await server.stop();
    await scenario.state(({ status }) => status !== 'ready');
    const calls = ['a', 'b', 'c'].map((key) => scenario.call('count', key));
    server.tools = ['count', 'further'];
    await server.listen();
    assert.deepEqual(await Promise.all(calls), ['ran a', 'ran b', 'ran c']);
    for (const key of ['a', 'b', 'c']) assert.equal(server.count(`run count ${key}`), 1);
    await scenario.fact('serverChanged');
    assert.deepEqual(scenario.told, ['notifications/tools/list_changed']);
  });

  it('is told by its status when it is none', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ method: 'GET' }, { status: 404 });
    await assert.rejects(connectedBy(openSse(server.url)), { code: 'HTTP_STATUS', status: 404 });
    server.answerAlways({ method: 'GET' }, { status: 401 });
  });

  it('is told when it wants credentials', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ method: 'GET' }, { status: 401 });
    await assert.rejects(connectedBy(openSse(server.url)), { code: 'UNAUTHORIZED', status: 401 });
  });

  for (const [what, reply, code, words] of [
    ['is no event stream', '{}', 'PROTOCOL_VIOLATION', /content type "application\/json" instead of/],
    [
      'names an address elsewhere for messages',
      'event: endpoint\ndata: http://127.0.0.1:9/message\n\n',
      'PROTOCOL_VIOLATION',
      /names http:\/\/127\.0\.0\.1:9 for messages/,
    ],
    ['ends before it names one', ': nothing\n\n', 'SERVER_UNAVAILABLE', /The event stream ended/],
    ['writes an event without end', `data: ${'x'.repeat(40_000)}`, 'SERVER_UNAVAILABLE', /longer than 2000/],
  ] as const) {
    it(`is left when its stream ${what}`, async () => {
      const type = reply === '{}' ? 'application/json' : 'text/event-stream';
      const http = createServer((_request, response) => {
        response.writeHead(200, { 'content-type': type }).end(reply);
      });
      await once(http.listen(0, '127.0.0.1'), 'listening');
      const { port } = http.address() as AddressInfo;
      const options = { connectPatienceMs: 0, limits: { maxEventLength: 2000 } };
      const transport = openSse(`http://127.0.0.1:${port}/sse`, options, { headers: { 'X-Key': 'k' } });
      await assert.rejects(connectedBy(transport), (error: Error & { code?: string }) => {
        assert.deepEqual([error.code, words.test(error.message)], [code, true], error.message);
        return true;
      });
      await transport.close();
      http.closeAllConnections();
      http.close();
    });
  }

  it('passes messages on as the text that they are, and fails the one call that it answers with none', async () => {
    const bodies: string[] = [];
    const stream = Promise.withResolvers<ServerResponse>();
    const say = async (text: string) => (await stream.promise).write(`event: message\ndata: ${text}\n\n`);
    const said: Readonly<Record<string, string>> = {
      initialize:
        '"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"raw","version":"1"}}',
      exact: '"result":{"n":9007199254740993,"a":1.0,"a":"\\u0041"}',
      nothing: '"result":null',
      deep: `"result":{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`,
    };
    const http = createServer((request, response) => {
      if (request.method === 'GET') {
        response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .write('event: endpoint\ndata: /m\n\n');
        stream.resolve(response);
        return;
      }
      void text(request).then((body) => {
        bodies.push(body);
        response.writeHead(202).end();
        const { id, method } = JSON.parse(body) as { id?: unknown; method: string };
        if (id !== undefined) void say(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},${said[method]}}`);
      });
    });
    await once(http.listen(0, '127.0.0.1'), 'listening');
    const { port } = http.address() as AddressInfo;
    const upstream = openSse(`http://127.0.0.1:${port}/sse`);
    const answers: string[] = [];
    upstream.onmessage = (message) => answers.push(textOf(message));
    const ask = (method: string, id: number, params = '{}') => {
      const [read] = readMessages(`{"id":${id}, "jsonrpc":"2.0","method":"${method}","params":${params}}`);
      return upstream.send(read?.message as JSONRPCMessage);
    };
    await upstream.start();
    const hello =
      '{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"a","version":"1"}}';
    await ask('initialize', 1, hello);
    await ask('exact', 2, '{"n":9007199254740993, "b":1e2}');
    assert.equal(
      bodies.at(-1),
      '{"id":2, "jsonrpc":"2.0","method":"exact","params":{"n":9007199254740993, "b":1e2}}',
    );
    assert.equal(answers.at(-1), `{"jsonrpc":"2.0","id":2,${said.exact}}`);
    await assert.rejects(ask('nothing', 3), { code: 'PROTOCOL_VIOLATION', message: /"result":null/ });
    await assert.rejects(ask('deep', 4), { code: 'LIMIT_EXCEEDED' });
    await ask('exact', 5);
    assert.equal(answers.length, 3);
    await upstream.close();
    http.closeAllConnections();
    http.close();
  });

  it('is told when nobody listens, and is connected as soon as somebody does', async () => {
    await using server = await SseServer.start();
    await server.stop();
    await assert.rejects(connectedBy(openSse(server.url, { connectPatienceMs: 0 })), {
      code: 'SERVER_UNAVAILABLE',
    });
    const connecting = connectedBy(openSse(server.url, { connectPatienceMs: Number.POSITIVE_INFINITY }));
    await server.listen();
    await using scenario = await connecting;
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });

  it('is left without a stream when the connection closes, also while one is being opened', async () => {
    await using server = await SseServer.start();
    const scenario = await connect(server);
    await scenario.client.close();
    while (server.streams > 0) await new Promise((resolve) => setImmediate(resolve));
    await using silent = await ScriptedServer.start();
    const hold = silent.hold({ method: 'GET' });
    const transport = openSse(silent.url);
    const connecting = connectedBy(transport).catch((error: unknown) => error);
    await silent.received({ method: 'GET' });
    await transport.close();
    assert.match(String(await connecting), /closed/i);
    hold.release();
    await silent.ended({ method: 'GET' });
    assert.equal(silent.requests.length, 1);
  });

  it('gives way to a new session on request, after the calls under way', async () => {
    await using server = await SseServer.start();
    await using scenario = await connect(server);
    const snapshot = await scenario.transport.resetSession();
    assert.equal(snapshot.generation, 2);
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(server.streams, 1);
  });
});
