import assert from 'node:assert/strict';
import { withRetryTime } from '../../src/protocol/http/retry-time.ts';

const now = Date.UTC(2026, 10, 30, 13, 7);

describe('when a server asks to be tried again', () => {
  for (const [seconds, span] of [
    [30, '30 seconds'],
    [90, '90 seconds'],
    [3600, '60 minutes'],
    [7200, '2 hours'],
    [86_400, '24 hours'],
    [10 * 86_400, '10 days'],
  ] as const) {
    it(`in ${span} is told, and by the clock of whoever reads it`, () => {
      const words = withRetryTime('503: busy', seconds * 1000, now);
      const at = new Date(now + seconds * 1000);
      const minute = `${at.getHours()}`.padStart(2, '0') + at.toTimeString().slice(2, 5);
      assert.ok(words.startsWith(`503: busy; it asks to be tried again in ${span} (`), words);
      assert.ok(words.includes(minute), words);
      assert.equal(/ \(on \d/.test(words), seconds > 43_200, words);
    });
  }

  it('soon, or at no time: nothing is told of it', () => {
    assert.equal(withRetryTime('503: busy', 7000, now), '503: busy');
    assert.equal(withRetryTime('503: busy', undefined, now), '503: busy');
  });
});
