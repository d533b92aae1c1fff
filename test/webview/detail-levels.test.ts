import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  barsOf,
  callsUnderWay,
  clustersOf,
  countKinds,
  density,
  momentOf,
  placeOf,
} from '../../src/webview/timeline/detail-levels.ts';
import { MARK_KINDS } from '../../src/webview/timeline/messages.ts';
import { call, event, stored } from './marks.ts';

const scale = { from: 1000, to: 2000, width: 500 };
const times = fc.array(fc.integer({ min: 0, max: 3000 })).map((all) => all.sort((a, b) => a - b));

describe('levels of detail', () => {
  it('find for each place its moment and for each moment its place', () => {
    assert.equal(placeOf(1500, scale), 250);
    assert.equal(momentOf(250, scale), 1500);
  });

  it('show a call as long as it is under way, and no other', () => {
    const calls = stored(call(900), call(1005), call(2500, 600), call(2500, 400));
    assert.deepEqual(
      callsUnderWay(calls, 600, scale).map(({ at, durationMs }) => [at, durationMs]),
      [
        [1005, 10],
        [2500, 600],
      ],
    );
  });

  it('count each call within the range once, however wide the columns are', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: 1, max: 600 }), (all, columnWidth) => {
        const counted = density(stored(...all.map((at) => call(at))), scale, columnWidth);
        const within = all.filter((at) => at >= scale.from && at <= scale.to).length;
        assert.equal(
          counted.reduce((sum, each) => sum + each, 0),
          within,
        );
      }),
    );
  });

  it('draw bars of one row beside each other, as long as there are rows', () => {
    const durations = fc.array(
      fc.tuple(fc.integer({ min: 1000, max: 2000 }), fc.integer({ min: 1, max: 300 })),
    );
    fc.assert(
      fc.property(durations, (all) => {
        const bars = barsOf(stored(...all.map(([at, ms]) => call(at, ms))), scale, all.length + 1);
        assert.equal(bars.length, all.length);
        for (const [index, bar] of bars.entries()) {
          for (const other of bars.slice(index + 1)) {
            assert.ok(bar.row !== other.row || bar.end <= other.start || other.end <= bar.start);
          }
        }
      }),
    );
  });

  it('use no more rows than there are', () => {
    const bars = barsOf(stored(...Array.from({ length: 9 }, () => call(1500, 300))), scale, 3);
    assert.deepEqual(new Set(bars.map(({ row }) => row)), new Set([0, 1, 2]));
  });

  it('put events together that are too close, count each once, and show the weightiest', () => {
    const close = stored(
      event(1100, 'note'),
      event(1105, 'fault'),
      event(1110, 'session'),
      event(1800, 'note'),
    );
    assert.deepEqual(clustersOf(close, scale, 14), [
      { place: placeOf(1105, scale), kind: 'fault', count: 3 },
      { place: placeOf(1800, scale), kind: 'note', count: 1 },
    ]);
    fc.assert(
      fc.property(times, (all) => {
        const clusters = clustersOf(stored(...all.map((at) => event(at))), scale, 14);
        const within = all.filter((at) => at >= scale.from && at <= scale.to).length;
        assert.equal(
          clusters.reduce((sum, { count }) => sum + count, 0),
          within,
        );
        assert.ok(clusters.length <= scale.width / 14 + 1);
      }),
    );
  });

  it('count the marks of each kind', () => {
    const counts = countKinds(stored(call(1), call(2), event(3)));
    assert.deepEqual(Object.keys(counts), [...MARK_KINDS]);
    assert.deepEqual([counts.call, counts.fault, counts.note], [2, 1, 0]);
  });
});
