import assert from 'node:assert/strict';
import { likeness, type Refusal } from '../../src/protocol/refusal.ts';

const refusal = (status: number, words: string): Refusal => ({ status, words });

describe('two refusals', () => {
  const same: readonly (readonly [string, string])[] = [
    ['500: Internal error', '500: internal error.'],
    ['400: no session 4711', '400: no session 4712'],
    [
      '500: 1b2cd9e0-7a52-4e4e-9a7d-1f0c55aa01cc is closed',
      '500: 9f0cd9e0-7a52-4e4e-9a7d-1f0c55aa01cd is closed',
    ],
    ['500: cannot dispatch tools/call', '500: cannot dispatch ping'],
    ['-32000: no transport for "a"', '-32000: no transport for "b"'],
    ['500', '500'],
  ];
  for (const [one, other] of same) {
    it(`are the same in the same words, whatever they name: ${one}`, () => {
      assert.equal(likeness(refusal(500, one), refusal(500, other)), 'same');
    });
  }

  it('are alike by the same status in other words', () => {
    assert.equal(likeness(refusal(500, '500: no database'), refusal(500, '500: no session')), 'alike');
  });

  it('are different by another status', () => {
    assert.equal(likeness(refusal(500, 'no'), refusal(400, 'no')), 'different');
  });

  it('are different under 200 by another error: all errors have that status', () => {
    const error = refusal(200, '-32000: not initialized');
    assert.equal(likeness(error, refusal(200, '-32000: not allowed')), 'different');
    assert.equal(likeness(error, refusal(200, '-32602: not initialized')), 'different');
    assert.equal(likeness(error, refusal(200, '-32000: Not initialized')), 'same');
  });
});
