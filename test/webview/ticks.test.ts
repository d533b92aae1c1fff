import assert from 'node:assert/strict';
import fc from 'fast-check';
import { durationTicks, timeTicks } from '../../src/webview/timeline/ticks.ts';
import { durationWords, fill, MomentWords } from '../../src/webview/timeline/words.ts';

const units = { ms: '{0} ms', s: '{0} s', min: '{0} min', h: '{0} h' };

describe('ticks of time', () => {
  it('are round, in order, within the range, and not more than there is room for', () => {
    const span = fc.integer({ min: 10, max: 31 * 86_400_000 });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2e12 }),
        span,
        fc.integer({ min: 1, max: 20 }),
        (from, ms, most) => {
          const { values, step } = timeTicks(from, from + ms, most);
          assert.ok(values.length <= most + 1);
          for (const [index, value] of values.entries()) {
            assert.ok(value >= from && value <= from + ms && value % step === 0);
            if (index > 0) assert.equal(value - (values[index - 1] ?? 0), step);
          }
        },
      ),
    );
  });

  it('are round where the reader is', () => {
    const offset = 5.75 * 3_600_000;
    const { values, step } = timeTicks(0, 86_400_000, 4, offset);
    assert.equal(step, 6 * 3_600_000);
    for (const value of values) assert.equal((value + offset) % step, 0);
  });
});

describe('ticks of durations', () => {
  it('are powers of ten, the ends included', () => {
    assert.deepEqual(durationTicks(1, 1000), [1, 10, 100, 1000]);
    assert.deepEqual(durationTicks(0.1, 1), [0.1, 1]);
  });
});

describe('the words of the page', () => {
  it('put values where their marks are, and leave marks without one', () => {
    assert.equal(fill('{1} of {0}, {2}', 'all', 3), '3 of all, {2}');
  });

  it('give durations two or three figures and a unit', () => {
    const words = [0.42, 9.94, 12.3, 999, 1000, 59_000, 90_000, 7_200_000].map((ms) =>
      durationWords(ms, units, 'en'),
    );
    assert.deepEqual(words, ['0.4 ms', '9.9 ms', '12 ms', '999 ms', '1 s', '59 s', '1.5 min', '2 h']);
    assert.equal(durationWords(1500, units, 'de'), '1,5 s');
  });

  it('tell a moment as exactly as it is needed', () => {
    const at = new Date(2026, 10, 22, 14, 5, 7, 89).getTime();
    const words = new MomentWords('de');
    assert.equal(words.tick(at, 86_400_000), '22. Nov.');
    assert.equal(words.tick(at, 60_000), '14:05');
    assert.equal(words.tick(at, 1000), '14:05:07');
    assert.equal(words.tick(at, 100), '14:05:07,089');
    assert.equal(words.exact(at, at + 86_400_000), '22. Nov., 14:05:07,089');
  });
});
