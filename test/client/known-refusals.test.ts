import assert from 'node:assert/strict';
import {
  KNOWN_REFUSAL_MS,
  KnownRefusals,
  MAX_KNOWN_REFUSALS,
} from '../../src/client/session/known-refusals.ts';
import { HeldClock } from '../support/held-clock.ts';

const refusal = (words: string) => ({ status: 500, words });

describe('the refusals that are known to mean no lost session', () => {
  it('are known by their kind, and forgotten after a while', async () => {
    const clock = new HeldClock();
    const known = new KnownRefusals(clock);
    known.remember(refusal('request 17 failed'));
    assert.equal(known.includes(refusal('request 18 failed')), true);
    assert.equal(known.includes(refusal('another')), false);
    await clock.advance(KNOWN_REFUSAL_MS - 1);
    assert.equal(known.includes(refusal('request 18 failed')), true);
    await clock.advance(1);
    assert.equal(known.includes(refusal('request 18 failed')), false);
  });

  it('are forgotten at once when the server was away', () => {
    const known = new KnownRefusals(new HeldClock());
    known.remember(refusal('failed'));
    known.forget();
    assert.equal(known.includes(refusal('failed')), false);
  });

  it('are bounded: the oldest goes first', () => {
    const known = new KnownRefusals(new HeldClock());
    const words = (index: number) => refusal(`failed ${'x'.repeat(index + 1)}`);
    for (let index = 0; index <= MAX_KNOWN_REFUSALS; index++) known.remember(words(index));
    assert.equal(known.includes(words(0)), false);
    assert.equal(known.includes(words(1)), true);
    assert.equal(known.includes(words(MAX_KNOWN_REFUSALS)), true);
  });
});
