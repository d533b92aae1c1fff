import assert from 'node:assert/strict';
import { type Clock, systemEnvironment } from '../../src/base/environment.ts';
import type { CheckId, CheckResult, CheckVerdict, Diagnosis } from '../../src/diagnosis/check.ts';
import { type HttpEdge, httpPlan } from '../../src/diagnosis/http/plan.ts';
import { nodeNetwork } from '../../src/diagnosis/node/network.ts';
import { type Plan, type RunOptions, run } from '../../src/diagnosis/run.ts';
import { unhurriedClock } from '../support/unhurried-clock.ts';

/** Streams are watched for a tenth of the time, so that a test takes no longer than its events. Nothing is timed by it. */
const quickClock: Clock = {
  now: () => unhurriedClock.now(),
  monotonic: () => unhurriedClock.monotonic(),
  after: (ms, callback, options) => unhurriedClock.after(ms <= 1000 ? ms / 10 : ms, callback, options),
};

/** The platform itself, in a hurry. */
export const realEdge: HttpEdge = { ...systemEnvironment(), clock: quickClock, network: nodeNetwork };

export interface DiagnosedOptions extends Partial<RunOptions> {
  readonly headers?: Readonly<Record<string, string>>;
  readonly edge?: Partial<HttpEdge>;
}

/** The diagnosis of an HTTP server. */
export function diagnosed(
  url: string,
  { headers = {}, edge, ...options }: DiagnosedOptions = {},
): Promise<Diagnosis> {
  return made(httpPlan({ url, headers }, { ...realEdge, ...edge }, 'test'), options);
}

export function made(plan: Plan, options: Partial<RunOptions> = {}): Promise<Diagnosis> {
  return run(plan, { clock: unhurriedClock, product: 'test', ...options });
}

export function check(diagnosis: Diagnosis, id: CheckId): CheckResult {
  return diagnosis.checks.find((each) => each.id === id) ?? assert.fail(`there is no check ${id}`);
}

/** The checks that ended in a verdict. */
export function withVerdict(diagnosis: Diagnosis, verdict: CheckVerdict): CheckId[] {
  return diagnosis.checks.filter((each) => each.verdict === verdict).map(({ id }) => id);
}

/** Holds a check to its verdict, and to what it says and advises. */
export function assertFinds(diagnosis: Diagnosis, id: CheckId, verdict: CheckVerdict, words: RegExp): void {
  const { verdict: found, says, advice = '' } = check(diagnosis, id);
  assert.equal(found, verdict, `${id}: ${says}`);
  assert.match(`${says} ${advice}`, words);
}
