import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { HubFact } from '../../src/hub/facts.ts';
import { FactHistory, type NumberedFact } from '../../src/hub/facts.ts';

const call: HubFact = {
  server: 'a',
  at: 1,
  fact: { kind: 'requestAnswered', generation: 1, method: 'ping', tool: undefined, durationMs: 3 },
};
const reset: HubFact = { server: 'b', at: 1, fact: { kind: 'resetRequested', generation: 1 } };

/** A history, and what tells it facts. */
function aHistory(limits?: { calls: number; others: number }) {
  const listeners = new Set<(fact: HubFact) => void>();
  const onFact = (listener: (fact: HubFact) => void) => {
    listeners.add(listener);
    return { dispose: () => listeners.delete(listener) };
  };
  const history = new FactHistory({ onFact }, limits);
  const tell = (fact: HubFact) => {
    for (const listener of listeners) listener(fact);
  };
  return { history, tell, listeners };
}

describe('the history of facts', () => {
  it('numbers facts of all servers in the order in which they are told', () => {
    const { history, tell } = aHistory();
    const heard: NumberedFact[] = [];
    history.onFact((fact) => heard.push(fact));
    for (const fact of [call, reset, call]) tell(fact);
    assert.deepEqual(history.facts, heard);
    assert.deepEqual(
      heard.map(({ seq, server }) => [seq, server]),
      [
        [1, 'a'],
        [2, 'b'],
        [3, 'a'],
      ],
    );
  });

  it('keeps the latest within its limits, and no number of calls pushes out what is no call', () => {
    const limits = { calls: 3, others: 2 };
    fc.assert(
      fc.property(fc.array(fc.boolean()), (isCall) => {
        const { history, tell } = aHistory(limits);
        const told: NumberedFact[] = [];
        history.onFact((fact) => told.push(fact));
        for (const each of isCall) tell(each ? call : reset);
        const calls = told.filter(({ fact }) => fact.kind === 'requestAnswered').slice(-3);
        const others = told.filter(({ fact }) => fact.kind !== 'requestAnswered').slice(-2);
        const bySeq = (one: NumberedFact, other: NumberedFact) => one.seq - other.seq;
        assert.deepEqual(history.facts, [...calls, ...others].sort(bySeq));
        assert.deepEqual(history.events, others);
      }),
    );
  });

  it('keeps 10,000 facts by default', () => {
    const { calls, others } = aHistory().history.limits;
    assert.equal(calls + others, 10_000);
  });

  it('listens no more once it is disposed', () => {
    const { history, tell, listeners } = aHistory();
    history.dispose();
    tell(call);
    assert.deepEqual([history.facts, listeners.size], [[], 0]);
  });
});
