import assert from 'node:assert/strict';
import fc from 'fast-check';
import { visibleLanes } from '../../src/webview/timeline/visible-lanes.ts';
import { aStore, call, event } from './marks.ts';

const range = (from: number, to: number) => ({ from, to, follows: false });

describe('what the page keeps', () => {
  it('is in the order of time, also after a clock was set back', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100)), (all) => {
        const marks = all.map((at, seq) => ({ ...event(at), seq }));
        const { marks: kept } = aStore(marks);
        const expected = [...marks].sort((one, other) => one.at - other.at || one.seq - other.seq);
        assert.deepEqual(
          kept.map(({ seq }) => seq),
          expected.map(({ seq }) => seq),
        );
      }),
    );
  });

  it('has its lanes by server, the clients of each last', () => {
    assert.deepEqual(
      aStore().lanes.map(({ title }) => title),
      ['A', 'B', 'B, client 1'],
    );
  });

  it('is bounded, and no number of calls pushes out what is no call', () => {
    const store = aStore([], { calls: 10, others: 5 });
    for (let at = 0; at < 200; at++) {
      store.add({ lanes: [], phases: [], marks: [at % 20 === 0 ? event(at) : call(at)] });
    }
    const events = store.marks.filter(({ kind }) => kind === 'fault');
    const calls = store.marks.length - events.length;
    assert.ok(calls >= 10 && calls <= 11, `${calls} calls`);
    assert.ok(events.length >= 5 && events.length <= 6, `${events.length} others`);
    assert.equal(store.marks.at(-1)?.at, 199);
    assert.equal(events.at(-1)?.at, 180);
  });

  it('knows the phase of each moment', () => {
    const store = aStore();
    const phase = (from: number, kind: 'session' | 'recovering') => ({ lane: 0, from, kind, generation: 1 });
    store.add({ lanes: [], phases: [phase(10, 'session'), phase(20, 'recovering')], marks: [] });
    assert.deepEqual(
      [5, 10, 19, 20, 99].map((at) => store.phaseAt(0, at)?.kind),
      [undefined, 'session', 'session', 'recovering', 'recovering'],
    );
  });

  it('forgets lanes and phases that were over before its oldest mark', () => {
    const store = aStore([], { calls: 1, others: 1 });
    const phase = (lane: number, from: number, kind: 'session' | 'ended') => ({
      lane,
      from,
      kind,
      generation: 1,
    });
    const phases = [
      phase(0, 1, 'session'),
      phase(0, 2, 'session'),
      phase(1, 1, 'session'),
      phase(1, 2, 'ended'),
    ];
    store.add({ lanes: [], phases, marks: [event(1), event(50), event(60), event(70)] });
    assert.equal(store.lane(1), undefined);
    assert.deepEqual(
      store.phases(0).map(({ from }) => from),
      [2],
    );
  });
});

describe('the lanes that are to be seen', () => {
  const store = aStore();
  const phase = (lane: number, from: number, kind: 'session' | 'ended') => ({
    lane,
    from,
    kind,
    generation: 1,
  });
  store.add({
    lanes: [],
    phases: [
      phase(0, 10, 'session'),
      phase(1, 10, 'session'),
      phase(1, 20, 'ended'),
      phase(2, 30, 'session'),
    ],
    marks: [],
  });
  const ids = (from: number, to: number, server?: string) =>
    visibleLanes(store, server, range(from, to)).map(({ id }) => id);

  it('are those with something in the range', () => {
    assert.deepEqual(ids(12, 25), [0, 1]);
    assert.deepEqual(ids(25, 40), [0, 2]);
    assert.deepEqual(ids(0, 100), [0, 2, 1]);
  });

  it('are those of one server, if one is chosen', () => {
    assert.deepEqual(ids(0, 100, 'b'), [2, 1]);
  });
});
