import assert from 'node:assert/strict';
import fc from 'fast-check';
import { membersAt, scanJson } from '../../src/protocol/text/json-text.ts';
import { jsonText } from '../support/json-texts.ts';

function takes(read: (text: string) => unknown, text: string): boolean {
  try {
    read(text);
    return true;
  } catch {
    return false;
  }
}

describe('a JSON text that is scanned', () => {
  it('is taken or refused as JSON.parse does, whatever was changed in it', () => {
    const pieces = [
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      '-',
      '.',
      'e',
      'u12',
      ' ',
      '\n',
      '\u0001',
      '',
    ];
    const change = fc.tuple(fc.nat(), fc.nat(3), fc.constantFrom(...pieces));
    fc.assert(
      fc.property(jsonText, fc.array(change, { maxLength: 2 }), (text, changes) => {
        const changed = changes.reduce((all, [where, length, piece]) => {
          const at = where % (all.length + 1);
          return all.slice(0, at) + piece + all.slice(at + length);
        }, text);
        assert.equal(takes(scanJson, changed), takes(JSON.parse, changed), changed);
      }),
      { numRuns: 3000 },
    );
    for (const text of [
      '',
      ' ',
      '01',
      '1.',
      '-',
      '+1',
      '.5',
      'nul',
      'True',
      '"\\x"',
      '"\\u12g4"',
      '[1,]',
      '{,}',
      '1 2',
      '{"a"}',
    ])
      assert.equal(takes(scanJson, text), false, text);
  });

  it('has the members and elements that JSON.parse finds, of two with one key the last', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        const value: unknown = JSON.parse(text);
        const { members, elements } = scanJson(text);
        const read = (span: { start: number; end: number }) => JSON.parse(text.slice(span.start, span.end));
        assert.deepEqual(elements?.map(read), Array.isArray(value) ? value : undefined);
        const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
        const found = members && Object.fromEntries([...members].map(([key, span]) => [key, read(span)]));
        assert.deepEqual(found, isObject ? Object.fromEntries(Object.entries(value)) : undefined);
      }),
      { numRuns: 1000 },
    );
    const twice = scanJson('{"a":1,"\\u0061":2}').members?.get('a');
    assert.equal(twice?.earlier?.start, 5);
    assert.equal(twice?.start, 16);
  });

  it('is looked into at any place', () => {
    const text = '{"a":{"b":[1,[2],"x"]}}';
    const a = scanJson(text).members?.get('a');
    const b = a && membersAt(text, a).get('b');
    assert.equal(b && text.slice(b.start, b.end), '[1,[2],"x"]');
  });

  it('tells its depth, and overflows no stack by it', () => {
    assert.equal(scanJson('1').depth, 0);
    assert.equal(scanJson('{"a":[{}],"b":[]}').depth, 3);
    const deep = 1_000_000;
    assert.equal(scanJson('['.repeat(deep) + ']'.repeat(deep)).depth, deep);
    assert.equal(scanJson(`${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`).depth, deep);
  });
});
