import assert from 'node:assert/strict';
import {
  type CheckRecord,
  compare,
  count,
  isStepBack,
  OVERALL,
  type ScenarioResult,
  verdictsOf,
} from './comparison.ts';

const records = (...pairs: [id: string, status: string][]): CheckRecord[] =>
  pairs.map(([id, status]) => ({ id, status }));

function result(
  transport: 'sdk' | 'resilient',
  made: CheckRecord[] | undefined,
  passedAsAWhole = true,
): ScenarioResult {
  return { scenario: 'a', transport, seconds: 0, output: '', ...verdictsOf(made, passedAsAWhole) };
}

describe('the comparison of two conformance runs', () => {
  it('takes a check for as good as its worst time, and leaves out what is no check', () => {
    const { verdicts } = verdictsOf(
      records(
        ['x', 'SUCCESS'],
        ['x', 'FAILURE'],
        ['y', 'WARNING'],
        ['y', 'SUCCESS'],
        ['z', 'INFO'],
        ['w', 'SUCCESS'],
      ),
      false,
    );
    assert.deepEqual(Object.fromEntries(verdicts), {
      x: 'failed',
      y: 'warned',
      w: 'passed',
      [OVERALL]: 'failed',
    });
  });

  it('calls it a step back when ours fails, warns or never makes a check that the baseline passes', () => {
    const baseline = result(
      'sdk',
      records(['x', 'SUCCESS'], ['y', 'SUCCESS'], ['z', 'SUCCESS'], ['w', 'SUCCESS']),
    );
    const ours = result('resilient', records(['x', 'FAILURE'], ['y', 'WARNING'], ['w', 'SUCCESS']));
    const back = compare(baseline, ours).filter(isStepBack);
    assert.deepEqual(
      back.map(({ check, ours: verdict }) => [check, verdict]),
      [
        ['x', 'failed'],
        ['y', 'warned'],
        ['z', 'missing'],
      ],
    );
  });

  it('calls it no step back when both fail, or only the baseline does', () => {
    const baseline = result('sdk', records(['x', 'FAILURE'], ['y', 'FAILURE']), false);
    const ours = result('resilient', records(['x', 'FAILURE'], ['y', 'SUCCESS']), false);
    assert.deepEqual(compare(baseline, ours).filter(isStepBack), []);
    assert.deepEqual(count(compare(baseline, ours), 'ours'), {
      checks: { passed: 1, made: 2 },
      scenarios: { passed: 0, made: 1 },
    });
  });

  it('calls it a step back when the scenario could not be run with ours, though no check failed', () => {
    const back = compare(
      result('sdk', records(['x', 'SUCCESS'])),
      result('resilient', undefined, false),
    ).filter(isStepBack);
    assert.deepEqual(
      back.map(({ check }) => check),
      ['x', OVERALL],
    );
  });
});
