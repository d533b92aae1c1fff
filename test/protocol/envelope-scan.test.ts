import assert from 'node:assert/strict';
import fc from 'fast-check';
import { EnvelopeScan, type ScannedMessage } from '../../src/protocol/text/envelope-scan.ts';

function scanned(text: string, cuts: readonly number[] = []): ScannedMessage[] {
  const seen: ScannedMessage[] = [];
  const scan = new EnvelopeScan((message) => seen.push(message));
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  for (const cut of cuts) {
    scan.feed(bytes.subarray(at, at + cut));
    at += cut;
  }
  scan.feed(bytes.subarray(at));
  return seen;
}

describe('the envelope of a message that is too long to be kept', () => {
  it('is told as soon as it is known, and once', () => {
    assert.deepEqual(scanned('{"jsonrpc":"2.0","id":7,"result":{"content":[{"text":"xxxx'), [
      { id: 7, isAnswer: true },
    ]);
    assert.deepEqual(scanned('{"result":{"id":1,"result":2},"jsonrpc":"2.0"'), []);
    assert.deepEqual(scanned('{"result":{"id":1,"result":2},"id":"a\\u0062"}'), [
      { id: 'ab', isAnswer: true },
    ]);
    assert.deepEqual(scanned('{"id":null,"error":{}}'), [{ id: undefined, isAnswer: true }]);
    assert.deepEqual(scanned('no message at all'), []);
  });

  it('is told of each message of a batch', () => {
    assert.deepEqual(
      scanned('[{"id":1,"result":[[]]}, {"method":"a","params":{"id":9}},{"id":2,"method":"b"}]'),
      [
        { id: 1, isAnswer: true },
        { id: undefined, isAnswer: false },
        { id: 2, isAnswer: false },
      ],
    );
  });

  it('is found in any answer, however its bytes come', () => {
    const id = fc.oneof(fc.integer(), fc.string());
    fc.assert(
      fc.property(
        id,
        fc.jsonValue(),
        fc.jsonValue(),
        fc.boolean(),
        fc.array(fc.nat({ max: 30 })),
        (...given) => {
          const [own, result, meta, idLast, cuts] = given;
          const message = idLast
            ? { _meta: meta, result, jsonrpc: '2.0', id: own }
            : { jsonrpc: '2.0', id: own, _meta: meta, result };
          assert.deepEqual(scanned(JSON.stringify(message, null, 1), cuts), [{ id: own, isAnswer: true }]);
        },
      ),
    );
  });
});
