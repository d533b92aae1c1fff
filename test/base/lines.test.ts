import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { readLines } from '../../src/base/lines.ts';

/** The lines that come of these pieces, with `(too long)` where one was. */
async function linesOf(pieces: readonly Uint8Array[], maxBytes = 1000): Promise<string[]> {
  const lines: string[] = [];
  await readLines(Readable.from(pieces), maxBytes, {
    onLine: (line) => lines.push(line),
    onTooLong: () => lines.push('(too long)'),
  });
  return lines;
}

const text = '{"a":"ü"}\n\r\n {"b":"👋\u2028"}\r\n{"c":3}';
const whole = ['{"a":"ü"}', ' {"b":"👋\u2028"}', '{"c":3}'];

describe('lines of input', () => {
  it('are whole however the bytes come, and the last one needs no end', async () => {
    const bytes = Buffer.from(text);
    assert.deepEqual(await linesOf([bytes]), whole);
    for (let at = 0; at <= bytes.length; at++) {
      assert.deepEqual(await linesOf([bytes.subarray(0, at), bytes.subarray(at)]), whole, `cut at ${at}`);
    }
    assert.deepEqual(await linesOf([...bytes].map((byte) => Buffer.from([byte]))), whole);
  });

  it('are without the byte order mark that some shells begin with', async () => {
    assert.deepEqual(await linesOf([Buffer.from('\ufeff{}\n{}\n')]), ['{}', '{}']);
  });

  it('are skipped when they are too long, each told of once, and those after them are read', async () => {
    const long = 'x'.repeat(7);
    for (const piece of [1, 3, 100]) {
      const bytes = Buffer.from(`${long}\n${'y'.repeat(5)}\n${long}z`);
      const pieces = Array.from({ length: Math.ceil(bytes.length / piece) }, (_, index) =>
        bytes.subarray(index * piece, (index + 1) * piece),
      );
      assert.deepEqual(await linesOf(pieces, 5), ['(too long)', 'yyyyy', '(too long)'], `in ${piece}s`);
    }
  });

  it('end without an error when their writer breaks off', async () => {
    const lines: string[] = [];
    const input = new Readable({ read() {} });
    const reading = readLines(input, 10, { onLine: (line) => lines.push(line), onTooLong() {} });
    input.push('{}\n');
    input.once('data', () => input.destroy(new Error('gone')));
    await reading;
    assert.deepEqual(lines, ['{}']);
  });
});
