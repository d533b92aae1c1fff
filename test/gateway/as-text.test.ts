import assert from 'node:assert/strict';
import fc from 'fast-check';
import { until } from '../../harness/until.ts';
import { initialize, initialized, Running } from '../cli/running.ts';
import { EventReader } from '../support/event-reader.ts';
import { jsonObject, jsonText } from '../support/json-texts.ts';
import { textsOf } from '../support/messages-of.ts';
import type { RequestRecord } from '../support/scripted/request.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { opened, WireTo } from './gateways.ts';

const METHOD = 'x.example/any';

/** A client that writes its own JSON and sees what comes as text. */
interface TextClient extends AsyncDisposable {
  /** Sends a request, and yields the text of its answer. */
  ask(text: string, id: string): Promise<string>;
  /** Sends a notification or an answer. */
  tell(text: string): Promise<void>;
  /** The next that the server says of its own accord. */
  next(): Promise<string>;
  /** What the way may change in a text: nothing, or line breaks where one message is one line. */
  asSeen(text: string): string;
}

/** What the server says of its own accord: a stream whose events a test writes. */
class OwnStream {
  readonly #waiting: string[] = [];
  #wake = Promise.withResolvers<void>();

  say(text: string): void {
    this.#waiting.push(text);
    this.#wake.resolve();
  }

  async *events(): AsyncGenerator<string> {
    yield ': begun\n\n';
    for (;;) {
      for (const text of this.#waiting.splice(0)) yield `data: ${oneLine(text)}\n\n`;
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
  }
}

const oneLine = (text: string) => text.replace(/[\r\n]+/g, '');

async function overGateway(server: ScriptedServer, shared: boolean): Promise<TextClient> {
  const stack = new AsyncDisposableStack();
  const gateway = stack.use(await opened(server.url, { upstream: { url: server.url, shared } }));
  const wire = await new WireTo(gateway).open();
  const own = new EventReader(await wire.fetch('GET'));
  stack.defer(() => own.leave());
  return {
    ask: async (text) => {
      const response = await wire.fetch('POST', text);
      const [answer = ''] = await textsOf(response);
      return answer;
    },
    tell: async (text) => {
      assert.equal((await wire.fetch('POST', text)).status, 202);
    },
    next: async () => {
      for (;;) {
        const event = await own.next();
        assert.ok(event, 'the stream has ended');
        if (event.data !== '') return event.data;
      }
    },
    asSeen: (text) => text,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function overBridge(server: ScriptedServer): Promise<TextClient> {
  const bridge = new Running(['bridge', server.url]);
  bridge.send(initialize);
  await bridge.answer('init');
  bridge.send(initialized);
  const unread = { from: bridge.out.length };
  const line = async () => {
    const at = unread.from++;
    await until<unknown>(
      (listener) => {
        listener(undefined);
        bridge.output.on('data', listener);
        return () => bridge.output.off('data', listener);
      },
      () => bridge.out.length > at,
    );
    return bridge.out[at] ?? '';
  };
  const tell = async (text: string) => {
    bridge.input.write(`${oneLine(text)}\n`);
  };
  return {
    ask: async (text) => {
      await tell(text);
      return line();
    },
    tell,
    next: line,
    asSeen: oneLine,
    [Symbol.asyncDispose]: () => bridge[Symbol.asyncDispose](),
  };
}

const ways: Readonly<Record<string, (server: ScriptedServer) => Promise<TextClient>>> = {
  'the gateway': (server) => overGateway(server, false),
  'a session that clients share': (server) => overGateway(server, true),
  'the bridge': overBridge,
};

/** The id in a request of these tests, as it is written. */
const idOf = ({ text }: RequestRecord) => /^\s*\{"id":("(?:[^"\\]|\\.)*"|[^,]+),/.exec(text)?.[1] ?? '';

async function world(way: string) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await ScriptedServer.start());
  const own = new OwnStream();
  server.answerNext({ method: 'GET' }, () => ({
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    body: own.events(),
  }));
  const client = stack.use(await (ways[way] as (typeof ways)[string])(server));
  await server.received({ method: 'GET' });
  const last = () => server.requests.findLast(({ rpc }) => rpc === METHOD);
  return { server, own, client, last, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Ids as clients write them, and some as JavaScript does not. */
const ids = fc.oneof(
  fc
    .uniqueArray(fc.integer({ min: 10, max: 1e9 }).map(String), { minLength: 1, maxLength: 1 })
    .map(([id]) => id ?? ''),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }).map(String),
  fc.string({ minLength: 1 }).map((each) => JSON.stringify(`s${each}`)),
  fc.constantFrom('"\\u0041"', '"\\ud800"'),
);

for (const way of Object.keys(ways)) {
  const isShared = way.includes('share');
  describe(`JSON on its way through ${way} is the text that it was`, () => {
    it('in results and in requests, whatever it is and however it is written', async () => {
      await using all = await world(way);
      const { server, client, last } = all;
      const used = new Set<string>();
      await fc.assert(
        fc.asyncProperty(ids, jsonObject, jsonObject, fc.boolean(), async (id, params, result, isStream) => {
          // Where clients share a session their ids are another's, and are given back as JSON writes them.
          if (used.has(String(JSON.parse(id))) || (isShared && id.includes('u0041'))) return;
          used.add(String(JSON.parse(id)));
          const answer = (asked: string) => `{"jsonrpc":"2.0", "result":${result},"id":${asked}}`;
          server.answerNext({ rpc: METHOD }, (request) => {
            const text = answer(idOf(request));
            return isStream
              ? {
                  status: 200,
                  headers: { 'content-type': 'text/event-stream' },
                  body: `data: ${oneLine(text)}\n\n`,
                }
              : { status: 200, headers: { 'content-type': 'application/json' }, body: text };
          });
          const request = (asked: string) =>
            `{"id":${asked},"jsonrpc":"2.0","method":"${METHOD}","params":${params}}`;
          const seen = await client.ask(request(id), id);
          assert.equal(seen, isStream ? oneLine(answer(id)) : client.asSeen(answer(id)));
          const sent = last();
          assert.ok(sent);
          assert.equal(sent.text, client.asSeen(request(isShared ? idOf(sent) : id)));
        }),
        { numRuns: 150 },
      );
    });

    it('in errors, also in those that come with a status of their own', async () => {
      await using all = await world(way);
      const { server, client } = all;
      let asked = 1000;
      await fc.assert(
        fc.asyncProperty(jsonText, fc.constantFrom(200, 422, 500), async (data, status) => {
          const id = String(++asked);
          const answer = (each: string) =>
            `{"jsonrpc":"2.0","id":${each},"error":{"data":${data},"code":-1.0,"message":"no"}}`;
          server.answerNext({ rpc: METHOD }, (request) => ({
            status,
            headers: { 'content-type': 'application/json' },
            body: answer(idOf(request)),
          }));
          const seen = await client.ask(`{"id":${id},"jsonrpc":"2.0","method":"${METHOD}"}`, id);
          assert.equal(seen, client.asSeen(answer(id)));
        }),
        { numRuns: 50 },
      );
    });

    it('in notifications, both ways', async () => {
      await using all = await world(way);
      const { server, own, client, last } = all;
      let count = 0;
      await fc.assert(
        fc.asyncProperty(jsonObject, async (params) => {
          const text = `{"jsonrpc":"2.0","method":"${METHOD}", "params":${params}}`;
          own.say(text);
          assert.equal(await client.next(), oneLine(text));
          await client.tell(text);
          await server.received({ rpc: METHOD }, ++count);
          assert.equal(last()?.text, client.asSeen(text));
        }),
        { numRuns: 50 },
      );
    });

    it('in questions of the server and the answers to them, ids that no number of JavaScript holds included', async () => {
      await using all = await world(way);
      const { server, own, client } = all;
      const isAnswer = ({ method, rpc }: RequestRecord) => method === 'POST' && rpc === undefined;
      let count = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.bigInt({ min: 2n ** 60n, max: 2n ** 70n }),
          jsonObject,
          jsonText,
          async (id, params, result) => {
            const question = (each: string) =>
              `{"jsonrpc":"2.0","id":${each},"method":"${METHOD}", "params":${params}}`;
            own.say(question(String(id)));
            const seen = await client.next();
            const [, given = ''] = /^\{"jsonrpc":"2.0","id":([^,]+),/.exec(seen) ?? [];
            assert.equal(seen, oneLine(question(given)));
            const answer = (each: string) => `{"jsonrpc":"2.0","result": ${result},"id":${each}}`;
            await client.tell(answer(given));
            await server.received(isAnswer, ++count);
            assert.equal(server.requests.findLast(isAnswer)?.text, client.asSeen(answer(String(id))));
          },
        ),
        { numRuns: 50 },
      );
    });

    it('in progress, under the token that the client gave, and in a cancellation, under its id', async () => {
      await using all = await world(way);
      const { server, client, last } = all;
      const token = '9007199254740993';
      const progress = (each: string) =>
        `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1.0,"progressToken":${each}}}`;
      const tokenIn = (text: string) => /"progressToken":([^}]+)\}/.exec(text)?.[1] ?? '';
      const cancelled = Promise.withResolvers<void>();
      server.answerNext({ rpc: METHOD }, (request) => ({
        status: 200,
        headers: { 'content-type': 'text/event-stream' },
        body: (async function* () {
          yield `data: ${progress(tokenIn(request.text))}\n\n`;
          await cancelled.promise;
        })(),
      }));
      const params = `{"n":1.0,"_meta":{"a":1e2,"progressToken":${token}},"m":-0}`;
      const asking = client.ask(
        `{"id":${token},"jsonrpc":"2.0","method":"${METHOD}","params":${params}}`,
        token,
      );
      await server.received({ rpc: METHOD });
      const { text = '' } = last() ?? {};
      if (!isShared) assert.equal(tokenIn(text), token);
      assert.ok(text.includes(params.replace(token, tokenIn(text))), text);
      if (way === 'the bridge') assert.equal(await asking, progress(token));
      await client.tell(
        `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${token},"reason":"\\u0041"}}`,
      );
      await server.received({ rpc: 'notifications/cancelled' });
      const told = server.requests.findLast(({ rpc }) => rpc === 'notifications/cancelled');
      assert.ok(
        told?.text.includes(`"params":{"requestId":${idOf(last() as RequestRecord)},"reason":"\\u0041"}`),
        told?.text,
      );
      cancelled.resolve();
      // The gateway ends the stream of what was given up.
      if (way !== 'the bridge') assert.equal(await asking, progress(token));
    });
  });

  describe(`an answer that is neither a result nor an error, on its way through ${way}`, () => {
    it('fails its call at once, with the text of the server, on a stream that stays open too', async () => {
      await using all = await world(way);
      const { server, client } = all;
      let asked = 2000;
      for (const members of [
        '"result":null',
        '"error":"no such thing"',
        '"error":{"message":"x"}',
        '"result":[1.0]',
        '"note":1.0',
      ]) {
        for (const isStream of [false, true]) {
          const id = String(++asked);
          server.answerNext({ rpc: METHOD }, (request) => {
            const text = `{"jsonrpc":"2.0","id":${idOf(request)},${members}}`;
            return {
              status: 200,
              headers: { 'content-type': isStream ? 'text/event-stream' : 'application/json' },
              body: isStream ? `data: ${text}\n\n` : text,
              ending: isStream ? 'open' : 'end',
            };
          });
          const answer = await client.ask(`{"id":${id},"jsonrpc":"2.0","method":"${METHOD}"}`, id);
          const { error } = JSON.parse(answer) as { error: { message: string; data: unknown } };
          assert.ok(error.message.includes(members), answer);
          assert.deepEqual(error.data, { code: 'PROTOCOL_VIOLATION' });
        }
      }
    });
  });

  describe(`JSON that is nested too deep, on its way through ${way}`, () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

    it('fails the one call that is answered with it', async () => {
      await using all = await world(way);
      const { server, client } = all;
      let asked = 3000;
      for (const depth of [5000, 8000, 100_000]) {
        for (const isStream of [false, true]) {
          const id = String(++asked);
          server.answerNext({ rpc: METHOD }, (request) => {
            const text = `{"jsonrpc":"2.0","id":${idOf(request)},"result":{"a":${nested(depth)}}}`;
            return {
              status: 200,
              headers: { 'content-type': isStream ? 'text/event-stream' : 'application/json' },
              body: isStream ? `data: ${text}\n\n` : text,
            };
          });
          const answer = await client.ask(`{"id":${id},"jsonrpc":"2.0","method":"${METHOD}"}`, id);
          assert.match(answer, new RegExp(`"id":${id},.*nested deeper than 1000 levels.*LIMIT_EXCEEDED`));
        }
      }
      const call =
        '{"id":1,"jsonrpc":"2.0","method":"tools/call","params":{"name":"count","arguments":{"key":"k"}}}';
      assert.match(await client.ask(call.replace('1', '9'), '9'), /ran k/);
      assert.equal(server.count({ rpc: 'initialize' }), 1);
    });

    it('is refused with its id, and not sent, when it is a request', async () => {
      await using all = await world(way);
      const { server, client } = all;
      for (const depth of [1000, 8000]) {
        const request = `{"params":{"a":${nested(depth)}},"id":"x${depth}","jsonrpc":"2.0","method":"${METHOD}"}`;
        const answer = await client.ask(request, `"x${depth}"`);
        assert.match(answer, /nested deeper than 1000 levels/);
        assert.equal((JSON.parse(answer) as { id: unknown }).id, `x${depth}`);
      }
      assert.equal(server.count({ rpc: METHOD }), 0);
      const call =
        '{"id":9,"jsonrpc":"2.0","method":"tools/call","params":{"name":"count","arguments":{"key":"k"}}}';
      assert.match(await client.ask(call, '9'), /ran k/);
    });
  });
}
