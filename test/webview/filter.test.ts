import assert from 'node:assert/strict';
import fc from 'fast-check';
import { atEnd, inOtherLane, type Surroundings, stepped } from '../../src/webview/timeline/cursor.ts';
import { filtered, NO_FILTER } from '../../src/webview/timeline/filter.ts';
import { marksAt } from '../../src/webview/timeline/moment.ts';
import { pageOf, pageWith } from '../../src/webview/timeline/pages.ts';
import { readViewState } from '../../src/webview/timeline/view-state.ts';
import { aStore, call, event } from './marks.ts';

const marks = [
  call(10),
  { ...event(20), text: 'Session lost: Gone' },
  { ...call(30), lane: 1 },
  { ...event(40, 'note'), lane: 2 },
  call(50, 25),
];
const store = aStore(marks);
const seqs = (all: readonly { readonly seq: number }[]) => all.map(({ seq }) => seq);

describe('the filter', () => {
  it('lets everything through at first', () => {
    assert.deepEqual(seqs(filtered(store, NO_FILTER).marks), [10, 20, 30, 40, 50]);
  });

  it('wants every word, in any case, of the fact or of its lane', () => {
    const found = (text: string) => seqs(filtered(store, { ...NO_FILTER, text }).marks);
    assert.deepEqual(found('  gone LOST '), [20]);
    assert.deepEqual(found('client call'), [30]);
    assert.deepEqual(found('gone call'), []);
  });

  it('keeps to one server and to the kinds that are shown', () => {
    assert.deepEqual(seqs(filtered(store, { ...NO_FILTER, server: 'b' }).marks), [30, 40]);
    const { marks: shown, calls } = filtered(store, { ...NO_FILTER, hidden: ['call', 'note'] });
    assert.deepEqual([seqs(shown), calls], [[20], []]);
  });

  it('sorts what passes by lane, calls apart from events', () => {
    const lane = filtered(store, NO_FILTER).byLane.get(0);
    assert.deepEqual(
      [seqs(lane?.calls ?? []), seqs(lane?.events ?? []), lane?.longestMs],
      [[10, 50], [20], 25],
    );
  });
});

describe('a moment', () => {
  it('has the events in it, and the calls that were under way', () => {
    const all = filtered(store, NO_FILTER);
    assert.deepEqual(seqs(marksAt(all, { lane: 0, from: 19, to: 30 })), [20, 50]);
    assert.deepEqual(seqs(marksAt(all, { lane: 0, from: 0, to: 100 })), [20, 50, 10]);
    assert.deepEqual(marksAt(all, { lane: 7, from: 0, to: 100 }), []);
  });
});

describe('the keyboard', () => {
  const around = (mark: number | undefined, middle = 45): Surroundings => ({
    filtered: filtered(store, NO_FILTER),
    lanes: store.lanes,
    mark: store.marks.find(({ seq }) => seq === mark),
    lane: undefined,
    middle,
  });

  it('begins at the mark of the first lane that is nearest to the middle', () => {
    assert.equal(stepped(around(undefined), 1, 'all')?.seq, 50);
    assert.equal(inOtherLane(around(undefined), 1)?.seq, 50);
  });

  it('goes along a lane, over its events alone if it is asked to, and stops at the ends', () => {
    assert.equal(stepped(around(10), 1, 'all')?.seq, 20);
    assert.equal(stepped(around(50), -1, 'events')?.seq, 20);
    assert.equal(stepped(around(50), 1, 'all'), undefined);
    assert.equal(atEnd(around(20), 'first')?.seq, 10);
    assert.equal(atEnd(around(20), 'last')?.seq, 50);
  });

  it('goes to the mark of the next lane that is nearest in time, and stops at the last', () => {
    assert.equal(inOtherLane(around(20), 1)?.seq, 40);
    assert.equal(inOtherLane(around(40), 1)?.seq, 30);
    assert.equal(inOtherLane(around(30), 1), undefined);
    assert.equal(inOtherLane(around(40), -1)?.seq, 50);
  });
});

describe('the pages of the table', () => {
  it('hold each row once, the latest first', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.integer({ min: 1, max: 60 }), (length, size) => {
        const rows = Array.from({ length }, (_, index) => index);
        const { pages } = pageOf(rows, 0, size);
        const all = Array.from({ length: pages }, (_, page) => pageOf(rows, page, size));
        assert.deepEqual(
          all.flatMap((page) => page.rows),
          rows.toReversed(),
        );
        for (const { first, last, rows: shown } of all) {
          assert.equal(shown.length, length === 0 ? 0 : last - first + 1);
        }
        for (const row of rows) assert.ok(all[pageWith(length, row, size)]?.rows.includes(row));
      }),
    );
  });

  it('are brought into bounds', () => {
    assert.deepEqual([pageOf([1, 2, 3], 99, 2).page, pageOf([1, 2, 3], -1, 2).page], [1, 0]);
    assert.deepEqual(pageOf([], 3), { rows: [], first: 0, last: 0, total: 0, page: 0, pages: 1 });
  });
});

describe('what the editor keeps of the page', () => {
  it('comes back as it was', () => {
    const state = {
      view: 'table',
      filter: { text: 'lost', server: 'a', hidden: ['call'] },
      span: 60_000,
      to: 99,
    };
    assert.deepEqual(readViewState(JSON.parse(JSON.stringify(state))), state);
  });

  it('is taken apart with care: another version may have written it', () => {
    const first = readViewState(undefined);
    assert.deepEqual(first, { view: 'chart', filter: NO_FILTER, span: undefined, to: undefined });
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const state = readViewState({ view: value, filter: value, span: value, to: value });
        assert.ok(['chart', 'table'].includes(state.view));
        assert.equal(typeof state.filter.text, 'string');
        assert.ok(state.span === undefined || state.span > 0);
      }),
    );
    const partly = readViewState({ filter: { hidden: ['call', 'sold'], text: 7 } });
    assert.deepEqual(partly.filter, { text: '', server: undefined, hidden: ['call'] });
  });
});
