// Runs the official conformance suite's client scenarios over the SDK's own transport and over ResilientTransport, and
// compares them check by check. Fails when a check that the SDK's transport passes is not passed by ours.
//
//   npm run test:conformance                       all scenarios, one to three minutes
//   npm run test:conformance -- auth/scope-step-up those whose names are given
//   npm run test:conformance -- --page             all, and docs/conformance.md is written anew
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compare, count, isStepBack, OVERALL, type Row, type ScenarioResult } from './comparison.ts';
import { inWords, linesOf, pageOf } from './page.ts';
import { scenarios } from './scenarios.ts';
import { listScenarios, runScenario, suiteVersion } from './suite.ts';

/** Scenarios under way at one time. */
const CONCURRENCY = 2;
/** Checks a time that the client has to wait; it runs alone, so that the others' load is not measured with it. */
const TIMED: ReadonlySet<string> = new Set(['sse-retry']);

const root = join(import.meta.dirname, '..', '..');

/** The baseline's and our result for one scenario, one after the other. */
type Pair = readonly [baseline: ScenarioResult, ours: ScenarioResult];

async function runPair(scenario: string): Promise<Pair> {
  const baseline = await runScenario(scenario, 'sdk');
  const ours = await runScenario(scenario, 'resilient');
  process.stdout.write(`  ${scenario} (${(baseline.seconds + ours.seconds).toFixed(1)} s)\n`);
  return [baseline, ours];
}

async function runAll(names: readonly string[]): Promise<ReadonlyMap<string, Pair>> {
  const pairs = new Map<string, Pair>();
  for (const name of names.filter((each) => TIMED.has(each))) pairs.set(name, await runPair(name));
  const left = names.filter((each) => !TIMED.has(each));
  const worker = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift())
      pairs.set(name, await runPair(name));
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return pairs;
}

/** What a reader needs to see why: the suite's words for what did not pass, on either side. */
function report(pairs: Iterable<Pair>): void {
  for (const result of [...pairs].flat()) {
    if (result.verdicts.get(OVERALL) === 'passed') continue;
    console.log(`\n${result.scenario} over ${result.transport} did not pass:`);
    for (const reason of result.reasons) console.log(`  ${reason}`);
    if (result.reasons.length === 0) console.log(result.output.split('\n').slice(-40).join('\n'));
  }
}

function versions() {
  const versionOf = (file: string) => (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  // The nearest package.json above a module of the SDK holds nothing but its module format.
  const sdk = join(
    fileURLToPath(import.meta.resolve('@modelcontextprotocol/sdk/types.js')),
    '../../../package.json',
  );
  return {
    date: new Date().toISOString().slice(0, 10),
    suite: suiteVersion,
    sdk: versionOf(sdk),
    resilientMcp: versionOf(join(root, 'package.json')),
    node: process.versions.node,
  };
}

const startedAt = performance.now();
const args = process.argv.slice(2);
const writesPage = args.includes('--page');
const chosen = args.filter((each) => !each.startsWith('--'));
const listed = await listScenarios();
const unknown = chosen.filter((name) => !listed.includes(name));
if (unknown.length > 0) throw new Error(`the suite has no scenario ${unknown.join(', ')}`);
const names = chosen.length > 0 ? listed.filter((name) => chosen.includes(name)) : listed;

const unhandled = names.filter((name) => !scenarios.has(name));
for (const name of unhandled) console.log(`not run: test/conformance/scenarios.ts has no client for ${name}`);

const { suite, sdk } = versions();
console.log(`@modelcontextprotocol/conformance ${suite}, ${names.length} client scenarios, SDK ${sdk}`);
const pairs = await runAll(names.filter((name) => scenarios.has(name)));
const rows: readonly Row[] = names.flatMap((name) => {
  const pair = pairs.get(name);
  return pair ? compare(...pair) : [];
});
console.log(`\n${linesOf(rows)}`);
report(pairs.values());

const stepsBack = rows.filter(isStepBack);
const baseline = count(rows, 'baseline');
const ours = count(rows, 'ours');
const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
console.log(`\nSDK's transport     ${inWords(baseline)}`);
console.log(`ResilientTransport  ${inWords(ours)}`);
console.log(
  `${stepsBack.length} passed by the SDK's transport and not by ours; ${unhandled.length} not run; ${seconds} s`,
);

const figures = { passed: ours.checks.passed, failed: stepsBack.length + unhandled.length, skipped: 0 };
if (process.env.TEST_FIGURES) appendFileSync(process.env.TEST_FIGURES, `${JSON.stringify(figures)}\n`);
if (figures.failed > 0 || figures.passed === 0) process.exitCode = 1;
if (writesPage && chosen.length === 0)
  writeFileSync(join(root, 'docs', 'conformance.md'), pageOf(rows, unhandled, versions()));
