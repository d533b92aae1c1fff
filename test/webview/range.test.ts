import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  atMoment,
  firstRange,
  following,
  panned,
  type Range,
  revealing,
  SPAN_LIMITS,
  spanOf,
  wholeRange,
  zoomed,
} from '../../src/webview/timeline/range.ts';

const NOW = 1_000_000_000;
const MINUTE = 60_000;
const fixed: Range = { from: NOW - 10 * MINUTE, to: NOW - 5 * MINUTE, follows: false };

describe('the range of the timeline', () => {
  it('begins with the last minutes: a short history whole, of a long one a quarter of an hour', () => {
    assert.deepEqual(firstRange(undefined, NOW), following(MINUTE, NOW));
    assert.deepEqual(firstRange(NOW - 1000, NOW), following(MINUTE, NOW));
    assert.deepEqual(firstRange(NOW - 10 * MINUTE, NOW), following(10.5 * MINUTE, NOW));
    assert.deepEqual(firstRange(NOW - 600 * MINUTE, NOW), following(15 * MINUTE, NOW));
  });

  it('shows the whole history when it is asked to', () => {
    const { from, to } = wholeRange(NOW - 600 * MINUTE, NOW);
    assert.ok(from < NOW - 600 * MINUTE && to === NOW);
  });

  it('moves with the present only while it follows', () => {
    assert.deepEqual(atMoment(following(MINUTE, NOW), NOW + 500), following(MINUTE, NOW + 500));
    assert.equal(atMoment(fixed, NOW + 500), fixed);
  });

  it('keeps what is pointed at where it is when it is zoomed', () => {
    const part = fc.double({ min: 0, max: 1, noNaN: true });
    const factor = fc.double({ min: 0.1, max: 10, noNaN: true });
    fc.assert(
      fc.property(part, factor, (share, by) => {
        const anchor = fixed.from + share * spanOf(fixed);
        const after = zoomed(fixed, by, anchor);
        assert.ok(Math.abs((anchor - after.from) / spanOf(after) - share) < 1e-6);
        assert.equal(after.follows, false);
      }),
    );
  });

  it('goes on following when it is zoomed', () => {
    assert.deepEqual(zoomed(following(MINUTE, NOW), 2, NOW - 1000), following(2 * MINUTE, NOW));
  });

  it('never shows less or more time than its limits, however it is zoomed', () => {
    const factors = fc.array(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), { maxLength: 20 });
    fc.assert(
      fc.property(factors, (all) => {
        const span = spanOf(all.reduce((range, by) => zoomed(range, by, NOW), fixed));
        assert.ok(span >= SPAN_LIMITS.shortest * 0.999 && span <= SPAN_LIMITS.longest * 1.001);
      }),
    );
  });

  it('stops following when it is moved into the past, and follows again at the present', () => {
    const back = panned(following(MINUTE, NOW), -1000, NOW);
    assert.deepEqual(back, { from: NOW - MINUTE - 1000, to: NOW - 1000, follows: false });
    assert.deepEqual(panned(back, 1000, NOW), following(MINUTE, NOW));
    assert.deepEqual(panned(back, 99_000, NOW), following(MINUTE, NOW));
  });

  it('moves only as far as it must to show a moment', () => {
    assert.equal(revealing(fixed, fixed.from + 1, NOW), fixed);
    const shown = revealing(fixed, NOW - 20 * MINUTE, NOW);
    assert.equal((shown.from + shown.to) / 2, NOW - 20 * MINUTE);
    assert.deepEqual(revealing(fixed, NOW, NOW), following(5 * MINUTE, NOW));
  });
});
