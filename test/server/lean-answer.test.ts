import assert from 'node:assert/strict';
import { leanAnswer, partsOf } from '../../src/endpoint/lean-answer.ts';

const parts = { status: 201, headers: { 'content-type': 'text/plain', 'x-a': 'b' }, body: 'words' };

describe('a lean answer', () => {
  it('passes for a Response, which answers whatever it is asked', async () => {
    const answer = leanAnswer(parts);
    assert.ok(answer instanceof Response);
    assert.deepEqual([answer.status, answer.ok], [201, true]);
    assert.equal(answer.headers.get('X-A'), 'b');
    assert.equal(answer.statusText, '');
    assert.equal(await answer.clone().text(), 'words');
    assert.equal(await answer.text(), 'words');
    assert.ok(answer.bodyUsed);
  });

  it('is its parts until a real one was made of it, which may have been changed', () => {
    const answer = leanAnswer(parts);
    assert.deepEqual(partsOf(answer), parts);
    answer.headers.set('x-a', 'c');
    assert.equal(partsOf(answer), undefined);
    assert.equal(answer.headers.get('x-a'), 'c');
    assert.equal(partsOf(new Response('words')), undefined);
  });

  it('has no body where it was given none', () => {
    assert.equal(leanAnswer({ status: 202, headers: {} }).body, null);
    assert.equal(leanAnswer({ status: 404, headers: {} }).ok, false);
  });
});
