import type { TransportName } from './transport.ts';

/** One line of the suite's own record. A check may be made several times in a scenario. */
export interface CheckRecord {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
}

/** `missing`: the check was not made in this run. */
export type Verdict = 'passed' | 'warned' | 'failed' | 'skipped' | 'missing';

export interface ScenarioResult {
  readonly scenario: string;
  readonly transport: TransportName;
  readonly seconds: number;
  /** By the id of the check; {@link OVERALL} is the suite's own word on the whole. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** Why checks did not pass, in the suite's words. */
  readonly reasons: readonly string[];
  /** All that the suite wrote. */
  readonly output: string;
}

/** The suite passes a scenario when nothing failed or warned and the client ended as it should. */
export const OVERALL = 'scenario as a whole';

export interface Row {
  readonly scenario: string;
  readonly check: string;
  readonly baseline: Verdict;
  readonly ours: Verdict;
}

/** Worse ones first: a check that was made several times is as good as its worst time. */
const severity: readonly [status: string, verdict: Verdict][] = [
  ['FAILURE', 'failed'],
  ['WARNING', 'warned'],
  ['SUCCESS', 'passed'],
  ['SKIPPED', 'skipped'],
];

/** The verdict on each check of one run. `records` is undefined when the scenario could not be run. */
export function verdictsOf(
  records: readonly CheckRecord[] | undefined,
  passedAsAWhole: boolean,
): Pick<ScenarioResult, 'verdicts' | 'reasons'> {
  const verdicts = new Map<string, Verdict>();
  for (const [status, verdict] of severity) {
    for (const { id, ...record } of records ?? []) {
      if (record.status === status && !verdicts.has(id)) verdicts.set(id, verdict);
    }
  }
  verdicts.set(OVERALL, passedAsAWhole ? 'passed' : 'failed');
  const reasons = (records ?? [])
    .filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
    .map(({ id, errorMessage }) => `${id}: ${errorMessage ?? 'no reason given'}`);
  return { verdicts, reasons: records ? reasons : ['the scenario could not be run'] };
}

/** Check by check, in the order of the baseline; checks that only ours made come last in their scenario. */
export function compare(baseline: ScenarioResult, ours: ScenarioResult): readonly Row[] {
  const checks = new Set([...baseline.verdicts.keys(), ...ours.verdicts.keys()]);
  return [...checks].map((check) => ({
    scenario: baseline.scenario,
    check,
    baseline: baseline.verdicts.get(check) ?? 'missing',
    ours: ours.verdicts.get(check) ?? 'missing',
  }));
}

/** True when the SDK's own transport passes a check that ours does not. */
export function isStepBack(row: Row): boolean {
  return row.baseline === 'passed' && row.ours !== 'passed';
}

export interface Count {
  readonly checks: { readonly passed: number; readonly made: number };
  readonly scenarios: { readonly passed: number; readonly made: number };
}

/** How many checks and how many scenarios passed, of those that were made. */
export function count(rows: readonly Row[], side: 'baseline' | 'ours'): Count {
  const made = rows.filter((row) => row[side] !== 'missing' && row[side] !== 'skipped');
  const of = (part: readonly Row[]) => ({
    passed: part.filter((row) => row[side] === 'passed').length,
    made: part.length,
  });
  return {
    checks: of(made.filter(({ check }) => check !== OVERALL)),
    scenarios: of(made.filter(({ check }) => check === OVERALL)),
  };
}
