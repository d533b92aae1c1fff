import assert from 'node:assert/strict';
import { isResilientMcpError } from '../../src/client/index.ts';
import { connected } from '../support/connected.ts';
import { codeOf, isFailure } from '../support/failure.ts';
import type { HttpReply } from '../support/scripted/reply.ts';
import type { RequestRecord } from '../support/scripted/request.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { itDirectly } from '../support/way.ts';

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** The ways in which an HTTP server gives an answer. The stream stays open after it. */
const forms: Readonly<Record<string, (text: string) => HttpReply>> = {
  'as JSON': (body) => ({ status: 200, headers: { 'content-type': 'application/json' }, body }),
  'on a stream': (text) => ({
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    body: `data: ${text}\n\n`,
    ending: 'open',
  }),
};

/** What servers say under the id of a request that is neither a result nor an error. */
const none: Readonly<Record<string, string>> = {
  'a result of null': '"result":null',
  'a result that is a text': '"result":"done"',
  'a result that is a list': '"result":[1]',
  'an error that is a text': '"error":"no such thing"',
  'an error without a code': '"error":{"message":"no such thing"}',
  'an error of null': '"error":null',
  'neither a result nor an error': '"note":"done"',
};

const under = ({ id }: RequestRecord, members: string) =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},${members}}`;

for (const [form, reply] of Object.entries(forms)) {
  describe(`an answer that is none, ${form}`, () => {
    for (const [what, members] of Object.entries(none)) {
      it(`ends the call at once with the words of the server: ${what}`, async () => {
        await using server = await ScriptedServer.start();
        await using scenario = await connected(server.url);
        server.answerNext({ tool: 'count' }, (request) => reply(under(request, members)));
        const failure = await scenario.client
          .callTool({ name: 'count', arguments: { key: 'a' } })
          .catch((error: unknown) => error);
        assert.ok(isFailure(failure, 'PROTOCOL_VIOLATION'), String(failure));
        assert.ok(failure.message.includes(members), failure.message);
        assert.equal(await scenario.call('count', 'b'), 'ran b');
        assert.equal(server.count({ rpc: 'initialize' }), 1);
      });
    }
  });

  describe(`an answer that is nested too deep, ${form}`, () => {
    for (const depth of [5000, 200_000]) {
      it(`fails that call alone, in words: ${depth} levels`, async () => {
        await using server = await ScriptedServer.start();
        await using scenario = await connected(server.url);
        const deep = `"result":{"content":[],"structuredContent":{"a":${nested(depth)}}}`;
        server.answerNext({ tool: 'count' }, (request) => reply(under(request, deep)));
        const failure = await scenario.client
          .callTool({ name: 'count', arguments: { key: 'a' } })
          .catch((error: unknown) => error);
        assert.ok(isFailure(failure, 'LIMIT_EXCEEDED'), codeOf(failure));
        assert.match(String(failure), /nested deeper than 1000 levels/);
        assert.equal(await scenario.call('count', 'b'), 'ran b');
        assert.equal(server.count({ rpc: 'initialize' }), 1);
      });
    }
  });
}

describe('a message of the server that is nested too deep', () => {
  it('is passed over on its own stream, and all else goes on', async () => {
    await using server = await ScriptedServer.start();
    const event = (params: string) =>
      `data: {"jsonrpc":"2.0","method":"notifications/x","params":${params}}\n\n`;
    server.answerNext(
      { method: 'GET' },
      {
        status: 200,
        headers: { 'content-type': 'text/event-stream' },
        body: event(`{"a":${nested(5000)}}`) + event('{}'),
        ending: 'open',
      },
    );
    await using scenario = await connected(server.url);
    await scenario.heard(1);
    assert.deepEqual(scenario.told, ['notifications/x']);
    assert.equal(await scenario.call('count', 'b'), 'ran b');
  });
});

describe('a request that cannot be written', () => {
  const ring: Record<string, unknown> = {};
  ring.self = ring;
  for (const [what, value, code] of [
    ['nested too deep', () => JSON.parse(nested(2000)), 'LIMIT_EXCEEDED'],
    ['nested so deep that it cannot even be tried', () => JSON.parse(nested(50_000)), 'LIMIT_EXCEEDED'],
    ['a ring', () => ring, 'PROTOCOL_VIOLATION'],
  ] as const) {
    itDirectly(`is refused before it is sent, and is not said to have run: ${what}`, async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url);
      const failure = await scenario.client
        .callTool({ name: 'count', arguments: { key: 'a', value: value() } })
        .catch((error: unknown) => error);
      assert.ok(isResilientMcpError(failure, code), String(failure));
      assert.equal(server.count({ tool: 'count' }), 0);
      assert.equal(await scenario.call('count', 'b'), 'ran b');
    });
  }
});
