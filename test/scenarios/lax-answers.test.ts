import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { connected } from '../support/connected.ts';
import { eventText, type HttpReply, jsonReply } from '../support/scripted/reply.ts';
import type { RequestRecord, RpcMessage } from '../support/scripted/request.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

/** The right answer to a call, under an id of the test's choice. */
function ran({ key }: RequestRecord, id: RpcMessage['id']): RpcMessage {
  return {
    jsonrpc: '2.0',
    ...(id !== undefined && { id }),
    result: { content: [{ type: 'text', text: `ran ${key}` }] },
  };
}

const stream = (body: string | readonly string[], ending: 'end' | 'reset' = 'end'): HttpReply => ({
  status: 200,
  headers: { 'content-type': 'text/event-stream' },
  body,
  ending,
});

/** As a hop does that knows ids as text alone. */
const asText = (request: RequestRecord) => String(request.id);

describe('what is taken although it is not quite right (issue 12, §4)', () => {
  const echoes: readonly (readonly [string, (request: RequestRecord) => HttpReply])[] = [
    ['a JSON body', (request) => jsonReply(200, ran(request, asText(request)))],
    ['an event', (request) => stream(eventText(ran(request, asText(request))))],
    ['a batch in a JSON body', (request) => jsonReply(200, [ran(request, asText(request))])],
  ];
  for (const [where, reply] of echoes) {
    it(`a numeric id that comes back as text in ${where} is the request's`, async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url);
      server.answerNext({ tool: 'count' }, (request) => {
        assert.equal(typeof request.id, 'number');
        return { ...reply(request), afterRun: true };
      });
      assert.equal(await scenario.call('count', 'a'), 'ran a');
      assert.equal(server.runs('a'), 1);
      assert.deepEqual(scenario.errors, []);
    });
  }

  it('the handshake too: every answer under its id as text', async () => {
    await using server = await ScriptedServer.start({ sessionIds: false });
    server.answerNext({ rpc: 'initialize' }, (request) => {
      const serverInfo = { name: 'scripted', version: '1.0.0' };
      const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo };
      return { ...jsonReply(200, { jsonrpc: '2.0', id: asText(request), result }), afterRun: true };
    });
    await using scenario = await connected(server.url);
    assert.equal(scenario.client.getServerVersion()?.name, 'scripted');
  });

  it('an error under our id as text, with a status of its own, is the answer', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    server.answerNext({ tool: 'count' }, (request) =>
      jsonReply(400, {
        jsonrpc: '2.0',
        id: asText(request),
        error: { code: -32602, message: 'No such key' },
      }),
    );
    assert.match(await scenario.call('count', 'a'), /McpError: MCP error -32602: No such key/);
    assert.equal(server.count({ rpc: 'initialize' }), 1);
  });

  it('an answer under its id as text that comes on the stream of the server', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await server.answered({ method: 'GET' });
    const hold = server.hold({ tool: 'count' });
    const call = scenario.call('count', 'a');
    await server.received({ tool: 'count' });
    const asked = server.requests.findLast(({ tool }) => tool === 'count');
    assert.ok(asked);
    server.say(ran(asked, asText(asked)));
    assert.equal(await call, 'ran a');
    hold.release();
  });

  it("a client's answer under the text of a numeric id reaches the server under the number", async () => {
    await using server = await ScriptedServer.start();
    await using _ = await connected(server.url, {
      client: { capabilities: { sampling: {} } },
      prepare: (client) =>
        client.setRequestHandler(CreateMessageRequestSchema, () => ({
          model: 'm',
          role: 'assistant',
          content: { type: 'text', text: 'yes' },
        })),
      seen: (transport) => {
        const send = transport.send.bind(transport);
        transport.send = (message, options) =>
          send('result' in message ? { ...message, id: String(message.id) } : message, options);
      },
    });
    await server.answered({ method: 'GET' });
    server.say({
      jsonrpc: '2.0',
      id: 7,
      method: 'sampling/createMessage',
      params: { messages: [], maxTokens: 1 },
    });
    await server.received(({ rpc, message }) => rpc === undefined && message?.id === 7);
  });

  it('several messages in one event: each is taken, on the stream of a call and on that of the server', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };
    server.answerNext({ tool: 'count' }, (request) => ({
      ...stream(`data: ${JSON.stringify([changed, ran(request, request.id)])}\n\n`),
      afterRun: true,
    }));
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    await scenario.heard(1);
    await server.answered({ method: 'GET' });
    server.say([changed, changed]);
    await scenario.heard(3);
    assert.deepEqual(scenario.told, Array(3).fill(changed.method));
    assert.deepEqual(scenario.errors, []);
  });

  for (const [how, ending, end] of [
    ['ends', 'end', ''],
    ['ends after the line', 'end', '\n'],
    ['is reset', 'reset', '\n'],
  ] as const) {
    it(`a stream that ${how} and owes only the blank line of the answer has given it`, async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url);
      server.answerNext({ tool: 'count' }, (request) => ({
        ...stream(`id: 1\ndata: ${JSON.stringify(ran(request, request.id))}${end}`, ending),
        afterRun: true,
      }));
      assert.equal(await scenario.call('count', 'a'), 'ran a');
      assert.equal(server.runs('a'), 1);
    });
  }

  it('a compression that says a wrong length is not asked for', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    // As edges do that compress an answer and leave the length that it had (UsefulSoftwareCo/executor#1399).
    server.answerNext({ tool: 'count' }, (request) => {
      const body = JSON.stringify(ran(request, request.id));
      const isAskedFor = /gzip|\*/.test(String(request.headers['accept-encoding'] ?? '*'));
      const sent = isAskedFor ? gzipSync(body) : body;
      const headers = {
        'content-type': 'application/json',
        'content-length': String(body.length + 100 * Number(isAskedFor)),
        ...(isAskedFor && { 'content-encoding': 'gzip' }),
      };
      return { status: 200, headers, body: [sent], ending: isAskedFor ? 'reset' : 'end', afterRun: true };
    });
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(server.runs('a'), 1);
  });

  it('a stream that is cut within its answer has given none', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    server.answerNext({ tool: 'count' }, (request) => ({
      ...stream(`data: ${JSON.stringify(ran(request, request.id)).slice(0, -1)}`),
      afterRun: true,
    }));
    assert.equal(await scenario.call('count', 'a'), 'OUTCOME_UNKNOWN');
  });
});
