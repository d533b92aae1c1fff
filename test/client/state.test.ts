import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type ConnectionEvent,
  type ConnectionState,
  initialState,
  isHealing,
  isUsable,
  nextAttempt,
  transition,
} from '../../src/client/session/state.ts';

const NOW = 1000;

/** The state after events that each happen one ms after the other. */
function after(...events: readonly ConnectionEvent[]): ConnectionState {
  return events.reduce((state, event, index) => transition(state, event, NOW + index + 1), initialState(NOW));
}

const started: ConnectionEvent = { kind: 'started' };
const opened: ConnectionEvent = { kind: 'opened' };
const attempt: ConnectionEvent = { kind: 'attemptStarted' };
const lost = (generation: number): ConnectionEvent => ({ kind: 'lost', generation, reason: '404' });
const unavailable = (generation: number): ConnectionEvent => ({
  kind: 'unavailable',
  generation,
  reason: 'refused',
});
const doubted = (generation: number): ConnectionEvent => ({
  kind: 'unavailable',
  generation,
  reason: 'no answer to a ping',
  byPing: true,
});
const answered = (generation: number): ConnectionEvent => ({ kind: 'answered', generation });
const reset = (generation: number): ConnectionEvent => ({ kind: 'resetRequested', generation });
const failed = (giveUp = false): ConnectionEvent => ({
  kind: 'attemptFailed',
  reason: 'refused',
  failure: 'SERVER_UNAVAILABLE',
  nextAttemptAt: NOW + 100,
  giveUp,
});
const failedByPing: ConnectionEvent = { ...failed(true), byPing: true } as ConnectionEvent;

const paused: ConnectionEvent = { kind: 'paused' };
const resumed: ConnectionEvent = { kind: 'resumed' };

const anEvent: fc.Arbitrary<ConnectionEvent> = fc.oneof(
  fc.constantFrom<ConnectionEvent>(
    started,
    opened,
    attempt,
    failed(),
    failed(true),
    failedByPing,
    paused,
    resumed,
  ),
  fc
    .nat({ max: 4 })
    .chain((generation) =>
      fc.constantFrom(
        lost(generation),
        unavailable(generation),
        doubted(generation),
        answered(generation),
        reset(generation),
      ),
    ),
);

describe('the state of a connection', () => {
  it('goes from the first attempt to ready', () => {
    assert.equal(after(started).kind, 'connecting');
    assert.deepEqual(after(started, attempt, opened), { kind: 'ready', since: NOW + 3, generation: 1 });
  });

  it('replaces a lost session by the next generation', () => {
    const state = after(started, opened, lost(1));
    assert.equal(state.kind, 'recovering');
    assert.deepEqual(after(started, opened, lost(1), attempt, opened), {
      kind: 'ready',
      since: NOW + 5,
      generation: 2,
    });
  });

  it('keeps the session of a server that does not answer, and asks it first', () => {
    const state = after(started, opened, unavailable(1));
    assert.ok(isHealing(state));
    assert.equal(nextAttempt(state), 'ask');
    assert.deepEqual(after(started, opened, unavailable(1), answered(1)), {
      kind: 'ready',
      since: NOW + 4,
      generation: 1,
    });
  });

  it('lets requests go out where no more is known than that a ping had no answer, and is not down for that', () => {
    assert.equal(isUsable(after(started, opened, doubted(1))), true);
    assert.equal(isUsable(after(started, opened, doubted(1), attempt, failedByPing)), true);
    assert.equal(isUsable(after(started, opened, unavailable(1))), false);
    assert.equal(isUsable(after(started, opened, unavailable(1), doubted(1))), false);
    assert.equal(isUsable(after(started, opened, doubted(1), unavailable(1))), false);
    assert.equal(isUsable(after(started, opened, doubted(1), attempt, failed())), false);
    const down = after(started, opened, unavailable(1), attempt, failed(true));
    assert.equal(down.kind, 'down');
    assert.equal(isUsable(transition(down, failedByPing, NOW + 9)), true);
    const gone = after(started, opened, lost(1), attempt, failed(true));
    assert.equal(isUsable(transition(gone, failedByPing, NOW + 9)), false);
  });

  it('goes on to a new session when the one that it kept is gone', () => {
    const state = after(started, opened, unavailable(1), attempt, lost(1));
    assert.ok(isHealing(state));
    assert.equal(nextAttempt(state), 'open');
    assert.equal(state.troubledSince, NOW + 3);
  });

  it('takes no notice of what is said of an older session (python-sdk#3327)', () => {
    const ready = after(started, opened, lost(1), opened);
    for (const late of [lost(1), unavailable(1), answered(1), reset(1)]) {
      assert.equal(transition(ready, late, NOW + 9), ready);
    }
  });

  it('is down when patience is used up, and still heals', () => {
    const down = after(started, opened, lost(1), attempt, failed(true));
    assert.ok(isHealing(down));
    assert.equal(down.kind, 'down');
    assert.equal(nextAttempt(down), 'open');
    assert.equal(transition(down, opened, NOW + 9).kind, 'ready');
    const kept = after(started, opened, unavailable(1), attempt, failed(true));
    assert.ok(isHealing(kept) && nextAttempt(kept) === 'ask');
    assert.equal(transition(kept, answered(1), NOW + 9).kind, 'ready');
  });

  it('makes another session when a reset is asked for during a recovery', () => {
    const second = after(started, opened, lost(1), reset(1), opened);
    assert.deepEqual([second.kind, second.generation], ['recovering', 2]);
    assert.deepEqual(transition(second, opened, NOW + 9), { kind: 'ready', since: NOW + 9, generation: 3 });
  });

  it('stays paused whatever else happens, and opens a new session when it is resumed', () => {
    const state = after(started, opened, paused);
    assert.deepEqual(state, { kind: 'paused', since: NOW + 3, generation: 1 });
    const others = anEvent.filter(({ kind }) => kind !== 'resumed');
    fc.assert(fc.property(others, (event) => assert.equal(transition(state, event, NOW + 9), state)));
    const again = transition(state, resumed, NOW + 9);
    assert.ok(isHealing(again));
    assert.deepEqual([again.kind, nextAttempt(again)], ['recovering', 'open']);
    assert.deepEqual(transition(again, opened, NOW + 10), { kind: 'ready', since: NOW + 10, generation: 2 });
  });

  it('begins anew when it was paused before its first session', () => {
    assert.deepEqual(after(started, paused, resumed), { kind: 'idle', since: NOW + 3, generation: 0 });
  });

  it('stays closed', () => {
    const closed = after(started, opened, { kind: 'closed' });
    fc.assert(fc.property(anEvent, (event) => assert.equal(transition(closed, event, NOW), closed)));
  });

  it('is total: any events in any order give a legal state, and generations never go back', () => {
    fc.assert(
      fc.property(fc.array(anEvent, { maxLength: 40 }), (events) => {
        let state = initialState(NOW);
        for (const [index, event] of events.entries()) {
          const next = transition(state, event, NOW + index);
          assert.ok(next.generation === state.generation || next.generation === state.generation + 1);
          if (next.generation > state.generation) assert.equal(event.kind, 'opened');
          if (next.kind === 'ready') assert.ok(next.generation > 0);
          if (next.kind === 'idle') assert.equal(event.kind === 'started', false);
          state = next;
        }
      }),
    );
  });

  it('never latches: from every state that can be reached, an answer and a new session lead to ready', () => {
    fc.assert(
      fc.property(fc.array(anEvent, { maxLength: 40 }), (events) => {
        let state = after(started, ...events, resumed);
        if (state.kind === 'idle') state = transition(state, started, NOW + 98);
        for (let step = 0; step < 3 && state.kind !== 'ready'; step++) {
          assert.ok(isHealing(state));
          const { generation } = state;
          state = transition(state, nextAttempt(state) === 'ask' ? answered(generation) : opened, NOW + 99);
        }
        assert.equal(state.kind, 'ready');
      }),
    );
  });
});
