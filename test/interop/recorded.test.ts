import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Verdict } from '../../src/protocol/verdict.ts';
import { judge } from './judge.ts';
import { pageOf } from './page.ts';
import { type Question, readClientRecords, readRecords } from './record.ts';

/** What must come of the refusals of a server that gives its sessions ids. Some take any id, or any of the right form. */
const rightVerdicts: Readonly<Record<Question, readonly Verdict['kind'][]>> = {
  unknownPost: ['sessionLost', 'unclear'],
  endedPost: ['sessionLost', 'unclear'],
  // Nothing was sent that could be lost.
  noIdPost: ['rejected', 'authorization'],
  staleInitialize: ['rejected', 'authorization'],
  // A stream is never a verdict by itself.
  unknownGet: ['unclear', 'streamNotOffered'],
  unknownDelete: ['rejected', 'authorization'],
};

describe('what servers of the real world were seen to answer', () => {
  for (const { name, version, hasSessions, answers, ways } of readRecords()) {
    it(`is judged as it was in the run, and rightly: ${name} (${version})`, () => {
      for (const [question, answer] of Object.entries(answers)) {
        const { kind } = judge(question as Question, answer);
        assert.equal(kind, answer.verdict, question);
        const isRefusal = answer.status >= 300;
        const right = rightVerdicts[question as Question];
        if (isRefusal && hasSessions) assert.ok(right.includes(kind), `${question}: ${kind}`);
        else assert.notEqual(kind, 'sessionLost', question);
      }
    });

    it(`cost no call, and none ran twice: ${name} (${version})`, () => {
      for (const [way, results] of Object.entries(ways)) {
        for (const [title, { outcome, lost, twice }] of Object.entries(results)) {
          assert.notEqual(outcome, 'failed', `${way}: ${title}`);
          assert.deepEqual([lost, twice], [0, 0], `${way}: ${title}`);
        }
      }
    });
  }

  it('is what docs/interop.md says', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/interop.md'), 'utf8');
    assert.equal(page, pageOf(readRecords(), readClientRecords()));
  });
});
