import assert from 'node:assert/strict';
import { isSameData } from '../../src/base/same-data.ts';

describe('data', () => {
  const open = () => {};

  it('is the same by its content, in whatever order its keys stand', () => {
    assert.ok(isSameData({ a: [1, { b: 2, c: undefined }], open }, { open, a: [1, { b: 2 }] }));
    assert.ok(isSameData(new URL('http://a.example/'), 'http://a.example/'));
    assert.ok(isSameData(new Headers({ A: '1' }), new Headers({ a: '1' })));
  });

  it('is not the same where a value, a length, a key or a function differs', () => {
    assert.ok(!isSameData({ a: 1 }, { a: '1' }));
    assert.ok(!isSameData([1], [1, 2]));
    assert.ok(!isSameData({ a: 1 }, { b: 1 }));
    assert.ok(!isSameData({ open }, { open: () => {} }));
    assert.ok(!isSameData(new Date(0), new Date(0)));
  });
});
