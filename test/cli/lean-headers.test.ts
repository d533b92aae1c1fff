import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Headers as LeanHeaders } from '../../src/cli/attach/lean-headers.ts';

const name = fc.constantFrom('a', 'A', 'Mcp-Session-Id', 'mcp-session-id', 'x-b', 'Accept');
const value = fc.string({ unit: fc.constantFrom('a', 'B', ' ', '1', ',', '=') });
const act = fc.oneof(
  fc.record({ kind: fc.constantFrom('set' as const, 'append' as const), name, value }),
  fc.record({ kind: fc.constantFrom('delete' as const), name }),
);

describe('what stands in for Headers in attach', () => {
  it('holds after any changes what the platform’s own holds', () => {
    fc.assert(
      fc.property(fc.dictionary(name, value), fc.array(act), (init, acts) => {
        const all = [new Headers(init), new LeanHeaders(init)];
        for (const headers of all) {
          for (const each of acts) {
            if (each.kind === 'delete') headers.delete(each.name);
            else headers[each.kind](each.name, each.value);
          }
        }
        const [theirs, ours] = all.map((headers) => ({
          all: [...(headers as Iterable<[string, string]>)],
          one: [headers.get('mcp-session-id'), headers.has('ACCEPT')],
        }));
        assert.deepEqual(ours, theirs);
      }),
    );
  });

  it('is made of itself, of pairs, or of nothing', () => {
    const first = new LeanHeaders([
      ['B', '2'],
      ['a', ' 1 '],
    ]);
    const told: string[] = [];
    new LeanHeaders(first).forEach((each, key) => {
      told.push(`${key}=${each}`);
    });
    assert.deepEqual(told, ['a=1', 'b=2']);
    assert.deepEqual([...new LeanHeaders()], []);
  });
});
