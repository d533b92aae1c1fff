import assert from 'node:assert/strict';
import { BEATS_MISSED, Heartbeat } from '../../src/client/streams/heartbeat.ts';

/** What is known after something was heard at these moments. */
function heardAt(...moments: number[]): Heartbeat {
  const heartbeat = new Heartbeat();
  heartbeat.restart();
  for (const moment of moments) heartbeat.heard(moment);
  return heartbeat;
}

describe('the heartbeat of a stream', () => {
  it('is seen when three gaps are about as long, and is missed after three of them', () => {
    assert.equal(heardAt(0, 15_000, 30_000).silenceMs, undefined);
    assert.equal(heardAt(0, 15_000, 30_100, 45_000).silenceMs, 15_100 * BEATS_MISSED);
  });

  it('is not taken from messages that come as they like, nor from a burst of them', () => {
    assert.equal(heardAt(0, 2000, 30_000, 31_000, 90_000).silenceMs, undefined);
    assert.equal(heardAt(0, 10, 20, 30, 40).silenceMs, undefined);
  });

  it('is seen through a burst of messages', () => {
    assert.equal(heardAt(0, 5, 10, 15_000, 15_001, 30_000, 45_000).silenceMs, 15_000 * BEATS_MISSED);
  });

  it('is known on the next stream once something was heard there', () => {
    const heartbeat = heardAt(0, 15_000, 30_000, 45_000);
    heartbeat.restart();
    assert.equal(heartbeat.silenceMs, undefined);
    heartbeat.heard(100_000);
    assert.equal(heartbeat.silenceMs, 15_000 * BEATS_MISSED);
  });
});
