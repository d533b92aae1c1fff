import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Gate, type Waiter } from '../../src/client/session/gate.ts';
import { Session } from '../../src/client/session/session.ts';
import type { ConnectionEvent } from '../../src/client/session/state.ts';
import type { Wire } from '../../src/client/wire/wire.ts';
import { isResilientMcpError } from '../../src/protocol/errors.ts';
import { HeldClock, settle } from '../support/held-clock.ts';

/** The gate never uses the wire of a session: it only hands the session out. */
const noWire = {} as Wire;
const aSession = (generation: number) =>
  new Session(
    generation,
    noWire,
    { sessionId: `s${generation}`, protocolVersion: '2025-11-25' },
    new HeldClock(),
  );

function aGate() {
  const clock = new HeldClock();
  let wanted = 0;
  const gate = new Gate(clock, { onChange: () => {}, onWanted: () => wanted++ });
  return { clock, gate, wanted: () => wanted };
}

function aWaiter(patienceMs = 1000): Waiter & { controller: AbortController } {
  const controller = new AbortController();
  return { controller, signal: controller.signal, patienceMs, triggeredAttempt: false };
}

const failed = (giveUp: boolean): ConnectionEvent => ({
  kind: 'attemptFailed',
  reason: 'refused',
  failure: 'SERVER_UNAVAILABLE',
  nextAttemptAt: 2_000_000,
  giveUp,
});

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error) => (isResilientMcpError(error) ? error.code : String(error)),
  );

describe('the gate', () => {
  it('gives the session to everyone who waits for it, and at once to whoever comes later', async () => {
    const { gate } = aGate();
    gate.apply({ kind: 'started' });
    const waiting = [gate.ready(aWaiter()), gate.ready(aWaiter())];
    const session = aSession(1);
    gate.open(session);
    assert.deepEqual(await Promise.all(waiting), [session, session]);
    assert.equal(await gate.ready(aWaiter()), session);
    assert.equal(gate.isAwaited, false);
  });

  it('refuses a use before the start', async () => {
    assert.equal(await codeOf(aGate().gate.ready(aWaiter())), 'INVALID_STATE');
  });

  it('lets a caller go when its patience is used up, counted over all its waits', async () => {
    const { gate, clock } = aGate();
    gate.apply({ kind: 'started' });
    const waiter = aWaiter(1000);
    const first = gate.ready(waiter);
    await clock.advance(600);
    gate.open(aSession(1));
    await first;
    gate.apply({ kind: 'lost', generation: 1, reason: '404' });
    const second = codeOf(gate.ready(waiter));
    await clock.advance(399);
    assert.equal(gate.isAwaited, true);
    await clock.advance(1);
    assert.equal(await second, 'SERVER_UNAVAILABLE');
    assert.equal(clock.pending, 0);
  });

  it('lets a caller go that gives up', async () => {
    const { gate, clock } = aGate();
    gate.apply({ kind: 'started' });
    const waiter = aWaiter();
    const waiting = codeOf(gate.ready(waiter));
    waiter.controller.abort();
    assert.equal(await waiting, 'CONNECTION_CLOSED');
    assert.equal(clock.pending, 0);
  });

  it('tells everyone at once when the connection goes down', async () => {
    const { gate } = aGate();
    gate.apply({ kind: 'started' });
    const waiting = [codeOf(gate.ready(aWaiter())), codeOf(gate.ready(aWaiter()))];
    gate.apply({ kind: 'attemptStarted' });
    gate.apply(failed(true));
    assert.deepEqual(await Promise.all(waiting), ['SERVER_UNAVAILABLE', 'SERVER_UNAVAILABLE']);
  });

  it('has one attempt made for a caller that comes while the connection is down', async () => {
    const { gate, wanted } = aGate();
    gate.apply({ kind: 'started' });
    gate.apply({ kind: 'attemptStarted' });
    gate.apply(failed(true));
    const waiter = aWaiter();
    const waiting = codeOf(gate.ready(waiter));
    assert.equal(wanted(), 1);
    gate.apply({ kind: 'attemptStarted' });
    await settle();
    assert.equal(gate.isAwaited, true);
    gate.apply(failed(true));
    assert.equal(await waiting, 'SERVER_UNAVAILABLE');
    // It had its attempt: it is not to make the connection try for ever.
    assert.equal(await codeOf(gate.ready(waiter)), 'SERVER_UNAVAILABLE');
    assert.equal(wanted(), 1);
  });

  it('does not take an attempt that began before a caller came for the answer to it', async () => {
    const { gate, wanted } = aGate();
    gate.apply({ kind: 'started' });
    gate.apply({ kind: 'attemptStarted' });
    gate.apply(failed(true));
    gate.apply({ kind: 'attemptStarted' });
    const waiting = codeOf(gate.ready(aWaiter()));
    assert.equal(wanted(), 1);
    gate.apply(failed(true));
    await settle();
    assert.equal(gate.isAwaited, true);
    gate.apply({ kind: 'attemptStarted' });
    gate.apply(failed(true));
    assert.equal(await waiting, 'SERVER_UNAVAILABLE');
  });

  it('gives that caller the session if the attempt succeeds', async () => {
    const { gate } = aGate();
    gate.apply({ kind: 'started' });
    gate.apply({ kind: 'attemptStarted' });
    gate.apply(failed(true));
    const waiting = gate.ready(aWaiter());
    gate.apply({ kind: 'attemptStarted' });
    const session = aSession(1);
    gate.open(session);
    assert.equal(await waiting, session);
  });

  it('never leaves a waiter: whatever happens, closing or patience settles everyone', async () => {
    const event = fc.oneof(
      fc.constantFrom<ConnectionEvent>(
        { kind: 'started' },
        { kind: 'attemptStarted' },
        failed(false),
        failed(true),
      ),
      fc.nat({ max: 3 }).map((generation): ConnectionEvent => ({ kind: 'lost', generation, reason: '404' })),
      fc
        .nat({ max: 3 })
        .map((generation): ConnectionEvent => ({ kind: 'unavailable', generation, reason: 'away' })),
    );
    const step = fc.oneof(event, fc.constant('open' as const), fc.constant('wait' as const));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.boolean(), async (steps, closes) => {
        const { gate, clock } = aGate();
        const waiting: Promise<string>[] = [];
        for (const each of steps) {
          if (each === 'wait') waiting.push(codeOf(gate.ready(aWaiter())));
          else if (each === 'open') gate.open(aSession(gate.state.generation + 1));
          else gate.apply(each);
        }
        if (closes) gate.apply({ kind: 'closed' });
        else await clock.advance(1000);
        await Promise.all(waiting);
        assert.equal(gate.isAwaited, false);
        assert.equal(clock.pending, 0);
      }),
      { numRuns: 200 },
    );
  });
});
