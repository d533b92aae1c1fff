import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Journal } from '../../src/client/observe/journal.ts';
import { Histogram, Metrics } from '../../src/client/observe/metrics.ts';

describe('the latency histogram', () => {
  it('knows nothing before the first value', () => {
    assert.deepEqual(new Histogram().summary(), {
      count: 0,
      p50Ms: undefined,
      p95Ms: undefined,
      p99Ms: undefined,
      maxMs: undefined,
    });
  });

  it('gives quantiles to within 5 %', () => {
    const values = fc.array(fc.double({ min: 0.2, max: 1e7, noNaN: true }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(values, (given) => {
        const histogram = new Histogram();
        for (const value of given) histogram.record(value);
        const sorted = [...given].sort((a, b) => a - b);
        const { p50Ms, p95Ms, maxMs, count } = histogram.summary();
        assert.equal(count, given.length);
        assert.equal(maxMs, sorted.at(-1));
        for (const [share, quantile] of [
          [0.5, p50Ms],
          [0.95, p95Ms],
        ] as const) {
          const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
          assert.ok(
            quantile !== undefined && quantile >= exact * 0.95 && quantile <= exact * 1.0501,
            `${quantile} for ${exact}`,
          );
        }
      }),
    );
  });
});

describe('metrics', () => {
  it('count facts that the journal has long forgotten', () => {
    const journal = new Journal({ capacity: 10, now: () => 0 });
    const metrics = new Metrics(journal);
    for (let durationMs = 1; durationMs <= 100; durationMs++) {
      journal.record({ kind: 'requestAnswered', generation: 1, method: 'ping', tool: undefined, durationMs });
    }
    assert.equal(journal.entries.length, 10);
    assert.equal(metrics.snapshot().facts.requestAnswered, 100);
    assert.equal(metrics.snapshot().latency.count, 100);
  });
});

describe('the journal', () => {
  it('cannot be broken by a reader', () => {
    const journal = new Journal({ now: () => 5 });
    const seen: number[] = [];
    journal.subscribe(() => {
      throw new Error('a display failed');
    });
    const subscription = journal.subscribe(({ seq, at }) => seen.push(seq, at));
    journal.record({ kind: 'resetRequested', generation: 1 });
    subscription.dispose();
    journal.record({ kind: 'resetRequested', generation: 1 });
    assert.deepEqual(seen, [1, 5]);
  });
});
