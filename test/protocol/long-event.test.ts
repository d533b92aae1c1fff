import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createEventStreamReader } from '../../src/protocol/events/event-stream.ts';

const MAX = 1000;

/** What is told of a stream that comes in these chunks. */
function told(text: string, cuts: readonly number[]): string[] {
  const seen: string[] = [];
  const reader = createEventStreamReader({
    maxEventLength: MAX,
    onEvent: ({ data }) => seen.push(data.slice(0, 100)),
    onTooLong: ({ id, isAnswer }, error) => seen.push(`${error.code} ${id} ${isAnswer}`),
  });
  const bytes = new TextEncoder().encode(text);
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = cuts[turn % cuts.length] ?? MAX;
    reader.feed(bytes.subarray(at, at + length));
    at += length;
  }
  return seen;
}

describe('an event that is longer than allowed', () => {
  it('is told by its id and passed over; those before and after it are read, however the bytes come', () => {
    const event = fc.record({
      id: fc.nat({ max: 1000 }),
      // In more than one chunk, so that it is not whole before it is looked at.
      length: fc.oneof(fc.constant(10), fc.constant(5 * MAX)),
      text: fc.constantFrom('x', 'ä', '\\n'),
      isLast: fc.boolean(),
    });
    const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
    const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 6 }), lineEnd, cuts, (events, end, given) => {
        const messages = events.map(({ id, length, text, isLast }) => {
          const result = `"result":"${text.repeat(length / text.length)}"`;
          return { id, length, data: isLast ? `{${result},"id":${id}}` : `{"id":${id},${result}}` };
        });
        const stream = messages.map(({ data }) => `: c${end}id: 7${end}data: ${data}${end}${end}`).join('');
        const expected = messages.map(({ id, length, data }) =>
          length > MAX ? `LIMIT_EXCEEDED ${id} true` : data,
        );
        // A carriage return at the very end may be half of a line end: the last event waits for what comes next.
        assert.deepEqual(told(`${stream}: end${end}`, given), expected);
      }),
      { numRuns: 200 },
    );
  });

  it('may be of many lines', () => {
    const lines = ['{', '"result": {"id": 1},', `"_meta": "${'x'.repeat(5 * MAX)}",`, '"id": 3', '}'];
    const stream = `${lines.map((line) => `data: ${line}\n`).join('')}\ndata: after\n\n`;
    assert.deepEqual(told(stream, [100, 5000]), ['LIMIT_EXCEEDED 3 true', 'after']);
  });

  it('that is no message is told of too', () => {
    const stream = `data: ${'x'.repeat(5 * MAX)}\n\ndata: after\n\n`;
    assert.deepEqual(told(stream, [2000, 2000]).at(-1), 'after');
  });
});
