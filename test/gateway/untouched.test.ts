import assert from 'node:assert/strict';
import fc from 'fast-check';
import { EventReader } from '../support/event-reader.ts';
import { textsOf } from '../support/messages-of.ts';
import { jsonReply } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { type Opened, opened, WireTo } from './gateways.ts';

/** Methods that a relay must not know: tools, completions, tasks, and what a later revision will bring. */
const methods = [
  'tools/call',
  'tools/list',
  'completion/complete',
  'prompts/get',
  'resources/read',
  'tasks/get',
  'tasks/list',
  'tasks/result',
  'tasks/cancel',
  'x.example/anything',
];

/** JSON as JSON writes it: what has two ways of being written is not what this is about. */
const value = fc
  .jsonValue({ depthSize: 'small', noUnicodeString: false })
  .map((each) => JSON.parse(JSON.stringify(each)));
const fields = fc.dictionary(fc.string(), value, { maxKeys: 5 }).map((each) => ({ ...each }));
const id = fc.oneof(fc.integer(), fc.string({ minLength: 1 }));

/** What a result may hold, and what it does in the revisions that there are. */
const result = fc.tuple(fields, value, fields).map(([rest, structuredContent, _meta]) => ({
  content: [{ type: 'text', text: 'a', annotations: { audience: ['user'], priority: 0.5 }, _meta }],
  structuredContent,
  isError: true,
  task: { taskId: 't', status: 'working', ttl: 60_000 },
  ...rest,
  _meta,
}));

interface Untouched extends AsyncDisposable {
  readonly server: ScriptedServer;
  readonly wire: WireTo;
  readonly gateway: Opened;
}

async function untouched(): Promise<Untouched> {
  const server = await ScriptedServer.start();
  const gateway = await opened(server.url);
  const wire = await new WireTo(gateway).open();
  return {
    server,
    gateway,
    wire,
    async [Symbol.asyncDispose]() {
      await gateway.gateway.close();
      await server.close();
    },
  };
}

describe('what a relay does not touch', () => {
  it('are results, byte for byte, whatever the method and whatever is in them', async () => {
    await using world = await untouched();
    const { server, wire } = world;
    let asked = 100;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...methods), result, async (method, said) => {
        const text = `{"jsonrpc":"2.0","id":${++asked},"result":${JSON.stringify(said)}}`;
        server.answerNext(
          { rpc: method },
          { status: 200, headers: { 'content-type': 'application/json' }, body: text },
        );
        const response = await wire.fetch('POST', {
          jsonrpc: '2.0',
          id: asked,
          method,
          params: { name: 'x', uri: 'x' },
        });
        assert.equal((await textsOf(response)).at(-1), text);
      }),
      { numRuns: 100 },
    );
  });

  it('are errors, byte for byte, their codes and data included', async () => {
    await using world = await untouched();
    const { server, wire } = world;
    let asked = 100;
    const said = fc.record({ code: fc.integer(), message: fc.string(), data: value });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...methods), said, async (method, error) => {
        asked += 1;
        server.answerNext({ rpc: method }, jsonReply(200, { jsonrpc: '2.0', id: asked, error }));
        const response = await wire.fetch('POST', { jsonrpc: '2.0', id: asked, method, params: {} });
        assert.equal((await textsOf(response)).at(-1), JSON.stringify({ jsonrpc: '2.0', id: asked, error }));
      }),
      { numRuns: 100 },
    );
  });

  it('are requests and their ids: the server has what the client sent', async () => {
    await using world = await untouched();
    const { server, wire } = world;
    const used = new Set<unknown>([1]);
    // A name that a copy made with care for nothing loses, or takes for the object's prototype.
    const proto = JSON.parse('{"__proto__":{"a":1}}');
    const named = { _meta: proto, name: 'x', arguments: proto };
    const params = fc.record(
      { _meta: fields, name: fc.string(), arguments: fields },
      { noNullPrototype: true },
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...methods), id, params, async (method, requestId, given) => {
        if (used.has(requestId)) return;
        used.add(requestId);
        const request = { method, jsonrpc: '2.0', id: requestId, params: given };
        server.answerNext({ rpc: method }, ({ id: asked }) =>
          jsonReply(200, { jsonrpc: '2.0', id: asked, result: {} }),
        );
        await (await wire.fetch('POST', request)).text();
        assert.deepEqual(server.requests.findLast(({ rpc }) => rpc === method)?.message, request);
      }),
      { numRuns: 100, examples: [['tools/call', 'p', named]] },
    );
  });

  it('are notifications of the server, byte for byte, and those of the client', async () => {
    await using world = await untouched();
    const { server, wire } = world;
    const own = new EventReader(await wire.fetch('GET'));
    await server.answered({ method: 'GET' });
    await fc.assert(
      fc.asyncProperty(fields, async (params) => {
        const method = 'notifications/x.example';
        server.notify(method, params);
        let event = await own.next();
        while (event?.data === '') event = await own.next();
        assert.equal(event?.data, JSON.stringify({ jsonrpc: '2.0', method, params }));
        const before = server.count({ rpc: method });
        await wire.fetch('POST', { jsonrpc: '2.0', method, params });
        await server.received({ rpc: method }, before + 1);
        assert.deepEqual(server.requests.at(-1)?.message?.params, params);
      }),
      { numRuns: 50 },
    );
  });

  it('are the messages of a batch: each gets its answer, in the answer to that one POST', async () => {
    await using world = await untouched();
    const { server, wire } = world;
    // A part of revision 2025-03-26 alone, and never of its initialize.
    const call = (key: string) => ({
      jsonrpc: '2.0',
      id: key,
      method: 'tools/call',
      params: { name: 'count', arguments: { key } },
    });
    const notification = { jsonrpc: '2.0', method: 'notifications/x.example' };
    const keys = ['a', 'b', 'c'];
    const response = await wire.fetch('POST', [...keys.map(call), notification], {
      'mcp-protocol-version': '2025-03-26',
    });
    const answers = (await textsOf(response)).map((text) => JSON.parse(text));
    assert.deepEqual(new Set(answers.map(({ id: answered }) => answered)), new Set(keys));
    for (const { id: answered, result: said } of answers)
      assert.equal(said.content[0].text, `ran ${answered}`);
    await server.received({ rpc: notification.method });
    assert.deepEqual(server.ranTwice, []);
  });
});
