import assert from 'node:assert/strict';
import { describeError, ResilientMcpError } from '../../src/protocol/errors.ts';

describe('the words of an error', () => {
  for (const [what, message, cause, words] of [
    [
      'follow those of its caller',
      'fetch failed',
      new Error('other side closed'),
      'fetch failed: other side closed',
    ],
    ['stand within a sentence', 'It was sent.', new Error('socket hang up'), 'It was sent (socket hang up).'],
    [
      'are those of the caller that says them already',
      'fetch failed: reset',
      new Error('reset'),
      'fetch failed: reset',
    ],
    [
      'are its code where it says nothing',
      'fetch failed',
      Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }),
      'fetch failed: ECONNREFUSED',
    ],
  ] as const) {
    it(`that caused it ${what}`, () => {
      assert.equal(describeError(new ResilientMcpError('OUTCOME_UNKNOWN', message, { cause })), words);
    });
  }
});
