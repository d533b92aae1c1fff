import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createBackOff } from '../../src/base/back-off.ts';

describe('the back-off', () => {
  it('stays between its first and its longest wait, whatever chance says', () => {
    const chances = fc.array(fc.double({ min: 0, max: 0.999999, noNaN: true }), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(
        chances,
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 500, max: 60_000 }),
        (drawn, first, longest) => {
          const left = [...drawn];
          const backOff = createBackOff({
            initialDelayMs: first,
            maxDelayMs: longest,
            random: () => left.shift() ?? 0,
          });
          for (const _ of drawn) {
            const wait = backOff.next();
            assert.ok(wait >= first && wait <= longest, `${wait} is not between ${first} and ${longest}`);
          }
        },
      ),
    );
  });

  it('grows by up to three times a step, and is spread by chance', () => {
    const most = createBackOff({ initialDelayMs: 100, maxDelayMs: 10_000, random: () => 0.9999999 });
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6].map(() => Math.round(most.next())),
      [300, 900, 2700, 8100, 10_000, 10_000],
    );
    const least = createBackOff({ initialDelayMs: 100, maxDelayMs: 10_000, random: () => 0 });
    assert.deepEqual(
      [1, 2, 3].map(() => least.next()),
      [100, 100, 100],
    );
  });

  it('keeps its own place: two of them do not push each other on', () => {
    const options = { initialDelayMs: 100, maxDelayMs: 10_000, random: () => 0.5 };
    const [one, other] = [createBackOff(options), createBackOff(options)];
    const first = one.next();
    one.next();
    assert.equal(other.next(), first);
  });
});
