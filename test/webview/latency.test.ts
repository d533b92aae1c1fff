import assert from 'node:assert/strict';
import fc from 'fast-check';
import { axisOf, bucketsOf, latenciesOf, shareOf } from '../../src/webview/timeline/latency.ts';
import { call, stored } from './marks.ts';

const calls = fc
  .array(fc.double({ min: 0, max: 1e7, noNaN: true }), { minLength: 1 })
  .map((all) => stored(...all.map((ms, index) => call(index, ms))));

describe('latencies', () => {
  it('are told by their quantiles, each of them a value that occurred', () => {
    const hundred = stored(...Array.from({ length: 100 }, (_, index) => call(index, index + 1)));
    assert.deepEqual(latenciesOf(hundred), { count: 100, p50: 50, p95: 95, p99: 99, max: 100 });
    assert.deepEqual(latenciesOf(stored(call(1, 7))), { count: 1, p50: 7, p95: 7, p99: 7, max: 7 });
    assert.deepEqual(latenciesOf([]), {
      count: 0,
      p50: undefined,
      p95: undefined,
      p99: undefined,
      max: undefined,
    });
  });

  it('have an axis of powers of ten that holds each of them', () => {
    assert.deepEqual(axisOf([]), { shortest: 1, longest: 1000 });
    assert.deepEqual(axisOf(stored(call(1, 3), call(2, 40))), { shortest: 1, longest: 100 });
    fc.assert(
      fc.property(calls, (all) => {
        const axis = axisOf(all);
        for (const { durationMs = 0 } of all) {
          const share = shareOf(durationMs, axis);
          assert.ok(share >= 0 && share <= 1);
          assert.ok(durationMs <= axis.longest * (1 + 1e-9));
        }
      }),
    );
  });

  it('are each in one part of the distribution', () => {
    fc.assert(
      fc.property(calls, fc.integer({ min: 1, max: 50 }), (all, count) => {
        const buckets = bucketsOf(all, axisOf(all), count);
        assert.equal(buckets.length, count);
        assert.equal(
          buckets.reduce((sum, each) => sum + each, 0),
          all.length,
        );
      }),
    );
  });
});
