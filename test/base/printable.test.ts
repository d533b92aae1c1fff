import assert from 'node:assert/strict';
import fc from 'fast-check';
import { printableJson } from '../../src/base/printable.ts';

/** What a terminal obeys or a reader does not see; JSON leaves all of these as they are. */
const hidden = [
  '\u007f',
  '\u009b',
  '\u0085',
  '\u200b',
  '\u200e',
  '\u202e',
  '\u2028',
  '\u2029',
  '\u2066',
  '\ufeff',
  '\u{e0041}',
];

describe('JSON that is shown (issue 14, §6)', () => {
  it('is the same for a reader of JSON, with nothing in it that a terminal obeys', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...hidden), fc.string());
    const value = fc.oneof(text, fc.dictionary(text, fc.array(text)));
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2), (each, indent) => {
        const json = printableJson(each, indent);
        assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify(each)));
        assert.doesNotMatch(json, /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });

  it('names what it escapes by its code', () => {
    assert.equal(
      printableJson(['\u009b31m', '\u202e', '\u{e0041}', 'ä☂']),
      '["\\u009b31m","\\u202e","\\udb40\\udc41","ä☂"]',
    );
  });
});
