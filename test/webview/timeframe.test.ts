import assert from 'node:assert/strict';
import { Timeframe } from '../../src/webview/timeline/timeframe.ts';
import { call, stored } from './marks.ts';

const NOW = 1_000_000;
const nothingKept = { span: undefined, to: undefined };

describe('the timeframe', () => {
  it('goes by the clock of the facts, whatever that of the page says', () => {
    let local = 50;
    const timeframe = new Timeframe(NOW, () => local, [], nothingKept);
    local = 80;
    assert.equal(timeframe.now, NOW + 30);
    timeframe.now = NOW + 1000;
    local = 85;
    assert.equal(timeframe.now, NOW + 1005);
    assert.equal(timeframe.range.to, NOW + 1005);
  });

  it('goes back to the range that was kept, following or not', () => {
    const marks = stored(call(NOW - 5000));
    const kept = { span: 2000, to: NOW - 4000 };
    assert.deepEqual(new Timeframe(NOW, () => 0, marks, kept).range, {
      from: NOW - 6000,
      to: NOW - 4000,
      follows: false,
    });
    const { range, kept: again } = new Timeframe(NOW, () => 0, marks, { span: 2000, to: undefined });
    assert.deepEqual(range, { from: NOW - 2000, to: NOW, follows: true });
    assert.deepEqual(again, { span: 2000, to: undefined });
  });

  it('does not go back to a range of which nothing is known any more', () => {
    const { range } = new Timeframe(NOW, () => 0, stored(call(NOW - 10)), { span: 2000, to: NOW - 40_000 });
    assert.equal(range.follows, true);
  });

  it('follows or stays at a press of the same key', () => {
    const timeframe = new Timeframe(NOW, () => 0, [], nothingKept);
    timeframe.toggleFollowing();
    assert.equal(timeframe.range.follows, false);
    assert.deepEqual(timeframe.kept, { span: 60_000, to: NOW });
    timeframe.toggleFollowing();
    assert.equal(timeframe.range.follows, true);
  });

  it('is drawn as often as a pixel passes, but neither in a rush nor never', () => {
    const paceOf = (span: number) => new Timeframe(NOW, () => 0, [], { span, to: undefined }).pace(1000);
    assert.deepEqual([1000, 500_000, 86_400_000].map(paceOf), [100, 500, 1000]);
  });
});
