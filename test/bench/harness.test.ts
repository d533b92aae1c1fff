import assert from 'node:assert/strict';
import { type Comparison, compare, quantile, ratiosOf, spreadOf } from './harness.ts';

describe('The arithmetic of the measurements', () => {
  it('takes the middle value, and the mean of the two in the middle', () => {
    assert.equal(quantile([9, 1, 5], 0.5), 5);
    assert.equal(quantile([9, 1, 5, 7], 0.5), 6);
  });

  it('takes a share of the values in proportion between its neighbours', () => {
    assert.equal(quantile([0, 10, 20], 0.95), 19);
  });

  it('refuses to make a figure of nothing', () => {
    assert.throws(() => spreadOf([]), RangeError);
  });

  it('pairs the values of each round before it takes the middle of their ratios', () => {
    const ratios = ratiosOf([2, 30, 5], [1, 10, 10]);
    assert.deepEqual(ratios, [2, 3, 0.5]);
    assert.deepEqual(spreadOf(ratios), { median: 2, lowest: 0.5, highest: 3 });
  });
});

describe('The rounds of a comparison', () => {
  /** Two contenders that write down their turns; the second is twice as slow. */
  function noted(turns: string[]): Comparison {
    const contender = (name: string, ms: number) => ({
      name,
      async measure() {
        turns.push(name);
        return { ms };
      },
    });
    return {
      title: 'noted',
      figures: [{ name: 'ms', words: 'time', unit: 'ms', better: 'lower' }],
      contenders: [contender('A', 10), contender('B', 20)],
    };
  }

  it('go forth and back, after one that is dropped', async () => {
    const turns: string[] = [];
    const [result] = await compare(noted(turns), { rounds: 3, limitMs: 1000, now: () => 0 });
    assert.equal(turns.join(''), 'AB AB BA AB'.replaceAll(' ', ''));
    assert.equal(result?.rounds, 3);
  });

  it('give each contender a ratio to the first, which has none itself', async () => {
    const [result] = await compare(noted([]), { rounds: 2, limitMs: 1000, now: () => 0 });
    assert.deepEqual(
      result?.rows.map(({ contender, ratio }) => [contender, ratio?.median]),
      [
        ['A', undefined],
        ['B', 2],
      ],
    );
  });

  it('give ratios to the contender that the figure names', async () => {
    const comparison = noted([]);
    const figures = comparison.figures.map((figure) => ({ ...figure, baseline: 'B' }));
    const limits = { rounds: 2, limitMs: 1000, now: () => 0 };
    const [result] = await compare({ ...comparison, figures }, limits);
    assert.deepEqual(
      result?.rows.map(({ ratio }) => ratio?.median),
      [0.5, undefined],
    );
  });

  it('end when their time is over, but not before there is one', async () => {
    let now = 0;
    const roundsIn = async (limitMs: number) => {
      now = 0;
      const [result] = await compare(noted([]), { rounds: 9, limitMs, now: () => now++ * 100 });
      return result?.rounds;
    };
    assert.equal(await roundsIn(10), 1);
    assert.equal(await roundsIn(250), 3);
  });

  it('begin at once where each measurement starts its own processes', async () => {
    const turns: string[] = [];
    const comparison = { ...noted(turns), startsAfresh: true };
    await compare(comparison, { rounds: 2, limitMs: 1000, now: () => 0 });
    assert.equal(turns.join(''), 'ABBA');
  });
});
