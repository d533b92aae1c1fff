import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { isResilientMcpError } from '../../src/protocol/errors.ts';
import {
  hasObject,
  lineOf,
  MAX_DEPTH,
  peek,
  readMessages,
  textOf,
  withElements,
  withId,
  withValue,
} from '../../src/protocol/text/message-text.ts';
import { jsonObject, jsonText } from '../support/json-texts.ts';

type Fields = Record<string, unknown>;

/** The one message of a text. */
function read(text: string): Fields {
  const [first] = readMessages(text);
  assert.ok(first?.message, first?.problem?.message);
  return first.message as Fields;
}

const big = '9007199254740993';
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('a message that is passed on', () => {
  it('leaves as the text that it came as, whatever is in it', () => {
    fc.assert(
      fc.property(jsonText, jsonObject, (result, params) => {
        for (const text of [
          `{"jsonrpc":"2.0","id":1,"result":${result}}`,
          ` { "params" : ${params},\r\n"method":"a\\u0062","jsonrpc":"2.0","x":${result}} `,
        ]) {
          const message = read(text);
          assert.equal(textOf(message), text);
          assert.deepEqual({ ...message }, { ...(JSON.parse(text) as object) });
          assert.equal(textOf(message), text, 'also once somebody has looked inside');
        }
      }),
      { numRuns: 500 },
    );
  });

  it('goes on one line where lines count, and says the same', () => {
    fc.assert(
      fc.property(jsonText, (result) => {
        const text = `{"jsonrpc":"2.0",\n\r\n"id":1,"result":${result}}`;
        const line = lineOf(read(text));
        assert.doesNotMatch(line, /[\r\n]/);
        assert.deepEqual(JSON.parse(line), JSON.parse(text));
      }),
    );
  });

  it('has another id, and not another byte', () => {
    fc.assert(
      fc.property(jsonText, fc.oneof(fc.string(), fc.integer()), (result, id) => {
        const message = withId(read(`{"result":${result},"id" : ${big} ,"jsonrpc":"2.0"}`), id);
        assert.equal(message.id, id);
        const text = `{"result":${result},"id" : ${JSON.stringify(id)} ,"jsonrpc":"2.0"}`;
        assert.equal(textOf(message), text);
        assert.equal(textOf(withId(withId(message, 'x'), id)), text);
      }),
    );
  });

  it('has another progress token, wherever it stands, and nothing else is touched', () => {
    fc.assert(
      fc.property(jsonText, jsonText, (a, b) => {
        const of = (token: string) =>
          `{"jsonrpc":"2.0","id":1,"method":"m","params":{"x":${a},"_meta":{"y":${b},"progressToken":${token}},"n":${big}}}`;
        const path = ['params', '_meta', 'progressToken'];
        const message = withValue(read(of('7')), path, 'mine');
        assert.equal(textOf(message), of('"mine"'));
        assert.equal(peek(message, path), 'mine');
        assert.equal((message.params as { _meta: Fields })._meta.progressToken, 'mine');
        assert.equal(textOf(withId(message, 1)), of('"mine"'));
      }),
    );
    const twice = read('{"jsonrpc":"2.0","method":"m","params":{"requestId":1,"requestId":2}}');
    assert.equal(
      textOf(withValue(twice, ['params', 'requestId'], 3)),
      '{"jsonrpc":"2.0","method":"m","params":{"requestId":3,"requestId":3}}',
    );
  });

  it('keeps its digits when another is made of it by hand', () => {
    const text = `{"jsonrpc":"2.0","id":1,"method":"m","params":{"x":${big},"y":1.0}}`;
    assert.equal(textOf({ ...read(text), id: 2 }), text.replace('"id":1', '"id":2'));
    const { params } = read(text);
    assert.equal(textOf({ jsonrpc: '2.0', params }), `{"jsonrpc":"2.0","params":{"x":${big},"y":1.0}}`);
  });

  it('says what its owner has changed in it', () => {
    const text = `{"jsonrpc":"2.0","id":1,"method":"m","params":{"x":1,"y":[1.0]},"more":{"n":${big}}}`;
    const deep = read(text);
    (deep.params as Fields).x = 2;
    const changed = `{"jsonrpc":"2.0","id":1,"method":"m","params":{"x":2,"y":[1]},"more":{"n":${big}}}`;
    assert.equal(textOf(deep), changed);
    assert.equal(textOf(withId(deep, 5)), changed.replace('"id":1', '"id":5'));
    const shallow = read(text);
    shallow.params = undefined;
    shallow.method = 'other';
    assert.equal(textOf(shallow), `{"jsonrpc":"2.0","id":1,"method":"other","more":{"n":${big}}}`);
    const less = read(text);
    delete less.params;
    delete less.more;
    assert.equal(textOf(less), '{"jsonrpc":"2.0","id":1,"method":"m"}');
    const more = read('{"jsonrpc":"2.0","id":1,"result":{}}');
    more.extra = 1;
    assert.equal(textOf(more), '{"jsonrpc":"2.0","id":1,"result":{},"extra":1}');
  });

  it('has those elements of a list that are wanted, each as it was', () => {
    const text = `{"jsonrpc":"2.0","id":1,"result":{"tasks":[ {"id":"a","n":${big}}, {"id":"b"},{"id":"c","x":1.0}]}}`;
    const message = withElements(read(text), ['result', 'tasks'], (each) => (each as Fields).id !== 'b');
    assert.equal(
      textOf(message),
      `{"jsonrpc":"2.0","id":1,"result":{"tasks":[{"id":"a","n":${big}},{"id":"c","x":1.0}]}}`,
    );
    assert.equal(textOf(withElements(read(text), ['result', 'tasks'], () => true)), text);
  });
});

describe('a message that is looked into', () => {
  it('shows what JSON.parse would show, at any place', () => {
    fc.assert(
      fc.property(
        jsonObject,
        fc.array(fc.constantFrom('a', 'b', 'id', '__proto__'), { maxLength: 3 }),
        (params, rest) => {
          const text = `{"jsonrpc":"2.0","method":"m","params":${params}}`;
          const path = ['params', ...rest];
          const own = (value: unknown, key: string) =>
            typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
              ? (value as Fields)[key]
              : undefined;
          if (rest.at(-1) === 'id') return;
          assert.deepEqual(peek(read(text), path), path.reduce<unknown>(own, JSON.parse(text)));
        },
      ),
    );
    assert.equal(hasObject(read('{"result":{"a":1}}'), 'result'), true);
    for (const other of ['[1]', 'null', '"x"', '1', `"${'x'.repeat(2000)}"`])
      assert.equal(hasObject(read(`{"result":${other}}`), 'result'), false);
    assert.equal(hasObject({ result: {} }, 'result'), true);
    assert.equal(hasObject({ result: null }, 'result'), false);
  });

  it('is an object like any other to whoever copies or prints it', () => {
    const text = '{"jsonrpc":"2.0","method":"m","params":{"a":[1]}}';
    const plain: unknown = JSON.parse(text);
    assert.equal(inspect(read(text)), inspect(plain));
    assert.deepEqual(structuredClone(read(text)), plain);
    assert.equal(JSON.stringify(read(text)), text);
    assert.deepEqual(Object.entries(read(text)), Object.entries(plain as object));
  });

  it('keeps ids apart that JavaScript takes for one, and writes them as they came', () => {
    const id = (text: string) => read(`{"id":${text}}`).id;
    assert.notEqual(id('9007199254740993'), id('9007199254740992'));
    assert.equal(id('9007199254740993'), id('9007199254740993'));
    assert.equal(id('1.0'), 1);
    assert.equal(id('"9007199254740993"'), '9007199254740993');
    for (const written of ['9007199254740993', '-123456789012345678901234567890', '1e400']) {
      assert.equal(
        textOf({ jsonrpc: '2.0', id: id(written), result: {} }),
        `{"jsonrpc":"2.0","id":${written},"result":{}}`,
      );
      const text = `{"method":"notifications/cancelled","params":{"requestId":${written},"_meta":{"progressToken":${written}}}}`;
      const { params } = read(text);
      assert.equal((params as Fields).requestId, id(written));
      assert.equal(peek(read(text), ['params', 'requestId']), id(written));
      assert.equal(textOf({ method: 'notifications/cancelled', params: { ...(params as object) } }), text);
    }
  });

  it('is refused when it says twice what only one can be', () => {
    for (const text of ['{"id":1,"\\u0069d":2,"result":{}}', '{"id":1,"result":{},"result":{}}']) {
      const [refused] = readMessages(text);
      assert.match(refused?.problem?.message ?? '', /names "(id|result)" twice/);
    }
  });

  it('is one of a batch', () => {
    const texts = ['{"id":1, "result":{"n":1.0}}', '7', '{"method":"m"}'];
    const messages = readMessages(`[${texts.join(' , ')}]`);
    assert.deepEqual(
      messages.map(({ message, problem }) => (message ? textOf(message) : problem?.code)),
      [texts[0], 'PROTOCOL_VIOLATION', texts[2]],
    );
    assert.throws(
      () => readMessages('[{]'),
      (error) => isResilientMcpError(error, 'PROTOCOL_VIOLATION'),
    );
  });
});

describe('a message that is nested too deep', () => {
  it('is told with its id when it is read, however deep it is', () => {
    for (const depth of [MAX_DEPTH, 1_000_000]) {
      const [answer] = readMessages(`{"jsonrpc":"2.0","id":"x","result":${nested(depth)}}`);
      assert.equal(answer?.problem?.code, 'LIMIT_EXCEEDED');
      assert.deepEqual(answer.problem && [answer.id, answer.isAnswer], ['x', true]);
      const [request] = readMessages(`{"params":${nested(depth)},"method":"m","id":${big}}`);
      assert.deepEqual(
        [request?.problem?.code, request?.problem && request.isAnswer],
        ['LIMIT_EXCEEDED', false],
      );
    }
    const text = `{"jsonrpc":"2.0","id":"x","result":${nested(MAX_DEPTH - 1)}}`;
    const message = read(text);
    assert.ok(message.result);
    assert.equal(textOf({ ...message }), text);
  });

  it('is refused when it is to be written, as is what JSON can not say', () => {
    const deep = (depth: number) => JSON.parse(nested(depth)) as unknown;
    const ring: unknown[] = [];
    ring.push(ring);
    for (const [params, code] of [
      [{ x: deep(MAX_DEPTH - 1) }, 'LIMIT_EXCEEDED'],
      [{ x: deep(100_000) }, 'LIMIT_EXCEEDED'],
      [{ x: ring }, 'PROTOCOL_VIOLATION'],
      [{ x: 1n }, 'PROTOCOL_VIOLATION'],
    ] as const) {
      const message = { jsonrpc: '2.0', id: 1, method: 'm', params };
      assert.throws(
        () => textOf(message),
        (error) => isResilientMcpError(error, code),
      );
    }
    assert.ok(textOf({ x: deep(MAX_DEPTH - 1) }));
  });

  it('is written as JSON.stringify writes it, where it was made here', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (message) => {
        assert.equal(textOf(message), JSON.stringify(message));
      }),
    );
    assert.equal(textOf({ id: undefined, params: undefined, result: { a: undefined } }), '{"result":{}}');
  });
});
