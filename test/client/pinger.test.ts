import assert from 'node:assert/strict';
import { Pinger } from '../../src/client/session/pinger.ts';
import { Session } from '../../src/client/session/session.ts';
import type { Wire } from '../../src/client/wire/wire.ts';
import type { Outcome } from '../../src/protocol/outcome.ts';
import { HeldClock } from '../support/held-clock.ts';

const negotiated = { sessionId: 'a', protocolVersion: '2025-11-25' };

function asked() {
  const clock = new HeldClock();
  const answers: ((outcome: Outcome) => void)[] = [];
  const wire = {
    request: (_request: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise<Outcome>((resolve) => {
        answers.push(resolve);
        signal.addEventListener('abort', () => resolve({ kind: 'aborted' }));
      }),
  } as unknown as Wire;
  const pinger = new Pinger({
    clock,
    newId: () => 'id',
    closing: new AbortController().signal,
    timeoutMs: 10_000,
    proofTimeoutMs: 1000,
  });
  const session = new Session(1, wire, negotiated, clock);
  const answer = (outcome: Outcome) => answers.shift()?.(outcome);
  return { clock, pinger, session, answer, answers };
}

const pong: Outcome = { kind: 'answered', response: { jsonrpc: '2.0', id: 'id', result: {} } };

describe('the wait for an answer to a ping', () => {
  it('is a second at most, and three round trips where those are known', async () => {
    const { clock, pinger, session, answer } = asked();
    assert.equal(pinger.briefMs, 1000);
    const first = pinger.ping(session);
    await clock.advance(80);
    answer(pong);
    assert.equal((await first).kind, 'alive');
    assert.equal(pinger.briefMs, 240);
    pinger.noteAnswer(session, clock.monotonic() - 1);
    assert.equal(pinger.briefMs, 100);
  });

  it('is one wait, however many ask', async () => {
    const { pinger, session, answer, answers } = asked();
    const both = Promise.all([pinger.ping(session), pinger.ping(session)]);
    assert.equal(answers.length, 1);
    answer(pong);
    assert.deepEqual(await both, [{ kind: 'alive' }, { kind: 'alive' }]);
  });
});

describe('a server that cannot be asked', () => {
  it('is one that answers a request after a ping that it does not answer, until it answers one', async () => {
    const { clock, pinger, session, answer } = asked();
    const silent = pinger.ping(session);
    await clock.advance(999);
    const sentAt = clock.monotonic();
    assert.equal(pinger.leftMs(session, 1000), 1);
    await clock.advance(1);
    assert.equal(pinger.leftMs(session, 1000), 0);
    await clock.advance(9000);
    assert.equal((await silent).kind, 'silent');
    pinger.noteAnswer(session, sentAt);
    assert.equal(pinger.isFutile, true);
    const again = pinger.ping(session);
    answer(pong);
    answer(pong);
    await again;
    assert.equal(pinger.isFutile, false);
  });

  it('is not known by a request that was on its way before', async () => {
    const { clock, pinger, session } = asked();
    const sentAt = clock.monotonic();
    await clock.advance(1);
    const silent = pinger.ping(session);
    await clock.advance(10_000);
    await silent;
    pinger.noteAnswer(session, sentAt);
    assert.equal(pinger.isFutile, false);
  });
});
