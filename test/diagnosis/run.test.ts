import assert from 'node:assert/strict';
import { ok, problem } from '../../src/diagnosis/check.ts';
import { type Check, type Plan, type Progress, run } from '../../src/diagnosis/run.ts';
import { HeldClock } from '../support/held-clock.ts';

describe('a run of checks', () => {
  it('makes them in order, and tells of each before it is made', async () => {
    const seen: string[] = [];
    const onProgress = ({ title, number, of }: Progress) => seen.push(`${number}/${of} ${title}`);
    const look = async () => {
      seen.push('made');
      return ok('well');
    };
    const diagnosis = await run(planOf(check('dns', look), check('tcp', look)), { ...options(), onProgress });
    assert.deepEqual(seen, ['1/2 dns', 'made', '2/2 tcp', 'made']);
    assert.deepEqual(
      diagnosis.checks.map(({ id, verdict, says }) => [id, verdict, says]),
      [
        ['dns', 'ok', 'well'],
        ['tcp', 'ok', 'well'],
      ],
    );
  });

  it('breaks off a check that does not end, keeps what it had seen, and goes on', async () => {
    const clock = new HeldClock();
    const endless = check('dns', (_, seen) => {
      seen({ what: 'something' });
      void clock.advance(10_000);
      return new Promise(() => {});
    });
    const diagnosis = await run(
      planOf(
        endless,
        check('tcp', async () => ok('well')),
      ),
      { ...options(), clock },
    );
    const [first, second] = diagnosis.checks;
    assert.deepEqual(
      [first?.verdict, first?.says],
      ['problem', 'It took longer than 10 s, and was broken off.'],
    );
    assert.deepEqual(first?.evidence, [{ what: 'something' }]);
    assert.equal(second?.verdict, 'ok');
  });

  it('leaves a check more time if it asks for it', async () => {
    const clock = new HeldClock();
    const slow: Check = {
      ...check('dns', async () => {
        void clock.advance(10_001);
        return ok('late');
      }),
      limitMs: 20_000,
    };
    const { checks } = await run(planOf(slow), { ...options(), clock });
    assert.equal(checks[0]?.verdict, 'ok');
  });

  it('does not hold a mistake of its own against the server', async () => {
    const broken = check('dns', async () => {
      throw new TypeError('oops');
    });
    const { checks } = await run(planOf(broken), options());
    assert.deepEqual([checks[0]?.verdict, checks[0]?.says], ['skipped', 'The check itself failed: oops']);
  });

  it('replaces findings that later checks have proven wrong, and leaves in the end', async () => {
    let hasLeft = false;
    const plan: Plan = {
      ...planOf(check('dns', async () => problem('no such name'))),
      revised: () => new Map([['dns', ok('it was there all the same')]]),
      leave: async () => {
        hasLeft = true;
      },
    };
    const { checks } = await run(plan, options());
    assert.deepEqual(
      [checks[0]?.verdict, checks[0]?.says, hasLeft],
      ['ok', 'it was there all the same', true],
    );
  });
});

function check(id: Check['id'], look: Check['look']): Check {
  return { id, title: id, look };
}

function planOf(...checks: Check[]): Plan {
  return {
    server: { type: 'http', target: 'http://host/mcp' },
    checks,
    revised: () => new Map(),
    leave: async () => {},
  };
}

const options = () => ({ clock: new HeldClock(), product: '1.2.3' });
