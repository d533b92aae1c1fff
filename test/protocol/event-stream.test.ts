import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isResilientMcpError } from '../../src/protocol/errors.ts';
import { createEventStreamReader } from '../../src/protocol/events/event-stream.ts';

interface Seen {
  readonly events: { data: string; event: string }[];
  readonly ids: string[];
  readonly retries: number[];
}

function read(chunks: readonly Uint8Array[], maxEventLength = 1_000_000): Seen {
  const seen: Seen = { events: [], ids: [], retries: [] };
  const reader = createEventStreamReader({
    maxEventLength,
    onEvent: (event) => seen.events.push(event),
    onId: (id) => seen.ids.push(id),
    onRetry: (ms) => seen.retries.push(ms),
  });
  for (const chunk of chunks) reader.feed(chunk);
  return seen;
}

const bytes = (text: string) => new TextEncoder().encode(text);

function split(whole: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [0, ...cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length];
  return at.slice(1).map((end, index) => whole.subarray(at[index], end));
}

describe('an event stream', () => {
  it('gives data, the name of the event, ids and the wait the server asks for', () => {
    const seen = read([
      bytes('id: 1\nretry: 250\ndata:\n\nevent: other\ndata: a\ndata: b\n\n: comment\ndata: c\n\n'),
    ]);
    assert.deepEqual(seen, {
      events: [
        { data: '', event: 'message' },
        { data: 'a\nb', event: 'other' },
        { data: 'c', event: 'message' },
      ],
      ids: ['1'],
      retries: [250],
    });
  });

  it('gives the id of an event without data: the priming event of SEP-1699', () => {
    assert.deepEqual(read([bytes('id: 42\n\n')]).ids, ['42']);
  });

  it('gives the same events however its bytes are cut', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 }).map((line) => line.replace(/[\r\n]/g, ' '));
    const event = fc.record({
      data: fc.array(text, { minLength: 1, maxLength: 3 }),
      id: fc.option(fc.nat(), { nil: undefined }),
    });
    const ends = fc.constantFrom('\n', '\r\n', '\r');
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 8 }),
        ends,
        fc.array(fc.nat(), { maxLength: 20 }),
        (events, end, cuts) => {
          const lines = events.flatMap(({ data, id }) => [
            ...(id === undefined ? [] : [`id: ${id}`]),
            ...data.map((line) => `data: ${line}`),
            '',
          ]);
          const whole = bytes(lines.map((line) => line + end).join(''));
          // A lone CR at the very end might be half of a CRLF, so a last line is needed to tell.
          const closed = new Uint8Array([...whole, ...bytes(`: end${end}`)]);
          assert.deepEqual(read(split(closed, cuts)), read([closed]));
          assert.deepEqual(
            read([closed]).events.map(({ data }) => data),
            events.map(({ data }) => data.join('\n')),
          );
        },
      ),
    );
  });

  it('keeps a character whose bytes come in two chunks', () => {
    const whole = bytes('data: ❤\n\n');
    assert.deepEqual(read(split(whole, [7])).events, [{ data: '❤', event: 'message' }]);
  });

  it('loses the byte order mark at its beginning, and no other, wherever it is cut', () => {
    const text = '\ufeffdata: \ufeff\u00e9 \ufeffa\n\ndata: \u{1f600}\ufeff\n\n';
    const whole = bytes(text);
    const expected = ['\ufeff\u00e9 \ufeffa', '\u{1f600}\ufeff'];
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 6 }), (cuts) => {
        const data = read(split(whole, cuts)).events.map((event) => event.data);
        assert.deepEqual(data, expected);
      }),
    );
  });

  it('ends in a typed error when a line never ends', () => {
    const endless = Array.from({ length: 100 }, () => bytes('x'.repeat(100)));
    assert.throws(
      () => read([bytes('data: '), ...endless], 5000),
      (error) => isResilientMcpError(error, 'LIMIT_EXCEEDED') && /maxEventLength/.test(error.message),
    );
  });

  it('ends in a typed error when an event of many lines never ends', () => {
    const lines = Array.from({ length: 200 }, () => bytes(`data: ${'x'.repeat(100)}\n`));
    assert.throws(
      () => read(lines, 5000),
      (error) => isResilientMcpError(error, 'LIMIT_EXCEEDED'),
    );
  });
});
