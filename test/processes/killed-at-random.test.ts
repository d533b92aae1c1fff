import assert from 'node:assert/strict';
import { seeded } from '../chaos/seeded.ts';
import { ledgerClient } from '../support/stdio/ledger.ts';

const CALLS = 300;
const KILLS = 8;

describe('a program that is killed at random', () => {
  it('loses no call and runs none twice', async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = seeded(seed).next;
    await using scenario = await ledgerClient({ recovery: { budget: 1000 } });
    await scenario.client.listTools();
    const answers = new Map<string, string>();
    let left = CALLS;
    const caller = async () => {
      while (left > 0) {
        const key = `k${left--}`;
        answers.set(key, await scenario.call(random() < 0.5 ? 'count' : 'peek', key));
      }
    };
    const killer = async () => {
      for (let kill = 0; kill < KILLS; kill++) {
        const until = left - Math.floor(random() * (CALLS / KILLS));
        while (left > until && left > 0) await new Promise((resolve) => setImmediate(resolve));
        process.kill(scenario.ledger.pid, 'SIGKILL');
        await scenario.state(({ status, generation }) => status === 'ready' && generation === kill + 2);
      }
    };
    await Promise.all([killer(), ...Array.from({ length: 10 }, caller)]);
    const told = `seed ${seed}`;
    assert.equal(answers.size, CALLS, told);
    for (const [key, answer] of answers) {
      const [counted, peeked] = [scenario.ledger.runs('count', key), scenario.ledger.runs('peek', key)];
      if (answer === 'OUTCOME_UNKNOWN') assert.ok(counted <= 1 && peeked === 0, `${key}, ${told}`);
      else {
        assert.equal(answer, `ran ${key}`, told);
        assert.ok(counted === 1 || peeked >= 1, `${key}, ${told}`);
      }
    }
  });
});
