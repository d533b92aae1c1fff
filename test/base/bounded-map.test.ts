import assert from 'node:assert/strict';
import { BoundedMap } from '../../src/base/bounded-map.ts';

describe('a bounded map', () => {
  it('forgets the entry that was set least recently', () => {
    const map = new BoundedMap<string, number>(2).set('a', 1).set('b', 2).set('a', 3).set('c', 4);
    assert.deepEqual(
      [...map],
      [
        ['a', 3],
        ['c', 4],
      ],
    );
  });

  it('forgets an entry under the key undefined too', () => {
    const map = new BoundedMap<string | undefined, number>(1).set(undefined, 1).set('a', 2);
    assert.deepEqual([...map], [['a', 2]]);
  });
});
