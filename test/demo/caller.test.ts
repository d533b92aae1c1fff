import assert from 'node:assert/strict';
import { Caller } from '../../examples/demo/caller.ts';

describe('the caller of the demo', () => {
  it('counts each call as answered or lost, and waits for those under way', async () => {
    const lost: unknown[] = [];
    const caller = new Caller(async () => {}, { intervalMs: 1000, onLost: (reason) => lost.push(reason) });
    let answer = () => {};
    const slow = caller.perform(
      () =>
        new Promise<void>((resolve) => {
          answer = resolve;
        }),
    );
    await caller.perform(() => Promise.reject(new Error('gone')));
    await caller.perform(async () => {});
    assert.deepEqual([caller.calls, caller.answered, caller.lost, caller.waiting], [3, 1, 1, 1]);
    assert.deepEqual(lost, [new Error('gone')]);
    const idle = caller.idle();
    answer();
    await Promise.all([idle, slow]);
    assert.deepEqual([caller.answered, caller.waiting], [2, 0]);
  });

  it('begins calls at its interval whether or not earlier ones have ended, until it is finished', async () => {
    const ends: (() => void)[] = [];
    let third = () => {};
    const threeBegun = new Promise<void>((resolve) => {
      third = resolve;
    });
    const caller = new Caller(
      (n) =>
        new Promise<void>((resolve) => {
          ends.push(resolve);
          if (n === 3) third();
        }),
      { intervalMs: 1, onLost: () => {} },
    );
    caller.begin();
    await threeBegun;
    const settled = caller.settled(3);
    const finished = caller.finish();
    for (const end of ends) end();
    await Promise.all([settled, finished]);
    assert.equal(caller.answered, caller.calls);
  });
});
