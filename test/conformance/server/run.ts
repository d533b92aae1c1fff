// Runs the official conformance suite's server scenarios on one server that is served in three ways, and compares them
// check by check. Fails when a check that the baseline passes is not passed by the others.
//
//   npm run test:conformance:server           all scenarios, two to four minutes
//   npm run test:conformance:server -- ping   those whose names are given
//   npm run test:conformance:server -- --page all, and docs/conformance-server.md is written anew
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../../examples/demo/free-port.ts';
import { SupervisedServer, scriptPath } from '../../../examples/demo/supervised-server.ts';
import { installedSdkVersion } from '../../../src/server/sdk-version.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { compare, count, isStepBack, type Row, type ScenarioResult } from '../comparison.ts';
import { inWords } from '../page.ts';
import { listScenarios, runServerScenario, suiteVersion } from '../suite.ts';

const script = (path: string) => scriptPath(path, import.meta.url);
const root = join(import.meta.dirname, '../../..');

/** The results of one scenario: the map of transports, the manager, and the manager over a SIGKILL. */
type Three = readonly [baseline: ScenarioResult, manager: ScenarioResult, killed: ScenarioResult];

async function startProgram(name: string, file: string): Promise<SupervisedServer> {
  const port = await freePort();
  const listening = /^listening on/;
  return SupervisedServer.start({ name, script: script(file), args: [String(port)], port, listening });
}

/** One scenario, whose session is opened by a process that is dead when the scenario goes on. */
async function runOverKill(scenario: string): Promise<ScenarioResult> {
  using folder = scratchFolder();
  const port = await freePort();
  const key = folder.file('key');
  await using server = await SupervisedServer.start({
    name: 'resilient-mcp serve',
    script: script('../../../src/cli/main.ts'),
    args: ['serve', script('./served-module.ts'), '--port', String(port), '--key-file', key],
    port,
    listening: /serving \(pid/,
  });
  const result = await runServerScenario(scenario, server.url, 'resilient');
  const kills = server.output.filter((line) => line.includes('process ended (SIGKILL)')).length;
  // A run in which nothing died would compare the manager with itself. Raw requests initialize no session.
  if (kills === 0 && scenario !== 'dns-rebinding-protection') {
    throw new Error(`no process was killed in ${scenario}:\n${server.output.join('\n')}`);
  }
  return result;
}

async function runAll(names: readonly string[]): Promise<ReadonlyMap<string, Three>> {
  await using map = await startProgram('the map of transports', './map-program.ts');
  await using manager = await startProgram('the session manager', './manager-program.ts');
  const results = new Map<string, Three>();
  for (const name of names) {
    const three: Three = [
      await runServerScenario(name, map.url, 'sdk'),
      await runServerScenario(name, manager.url, 'resilient'),
      await runOverKill(name),
    ];
    results.set(name, three);
    const seconds = three.reduce((sum, result) => sum + result.seconds, 0);
    process.stdout.write(`  ${name} (${seconds.toFixed(1)} s)\n`);
  }
  return results;
}

interface Line {
  readonly plain: Row;
  readonly killed: Row | undefined;
}

function linesOf(results: Iterable<Three>): readonly Line[] {
  return [...results].flatMap(([baseline, manager, killed]) => {
    const overKill = compare(baseline, killed);
    return compare(baseline, manager).map((plain) => ({
      plain,
      killed: overKill.find(({ check }) => check === plain.check),
    }));
  });
}

/** What a reader needs to see why. */
function report(results: Iterable<Three>): void {
  for (const { reasons, output, scenario } of [...results].flatMap(([, ...ours]) => ours)) {
    if (reasons.length > 0) console.log(`\n${scenario}:\n  ${reasons.join('\n  ')}`);
    if (reasons.includes('the scenario could not be run')) console.log(output);
  }
}

function pageOf(lines: readonly Line[], summary: readonly string[]): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const table = lines.map(
    ({ plain, killed }) =>
      `| ${plain.scenario} | ${plain.check} | ${plain.baseline} | ${plain.ours} | ${killed?.ours ?? 'missing'} |`,
  );
  return `# Conformance of the server's side

Written by \`npm run test:conformance:server -- --page\`; do not edit.

The official suite tries each of its server scenarios on one server that is served in three ways: by a map of the SDK's
transports, as the SDK's examples do it; by \`SessionManager\`; and by \`resilient-mcp serve\`, whose process dies by SIGKILL
as soon as the suite's client has been initialized, so that everything after that is answered by another process.

| | |
| --- | --- |
| date | ${new Date().toISOString().slice(0, 10)} |
| suite | \`@modelcontextprotocol/conformance\` ${suiteVersion} |
| SDK | \`@modelcontextprotocol/sdk\` ${installedSdkVersion()} |
| this project | \`resilient-mcp\` ${version} |
| Node.js | ${process.versions.node} |
${summary.map((line) => `| ${line.replace(': ', ' | ')} |`).join('\n')}

A check that a scenario makes several times counts once. *Scenario as a whole* is the suite's own word. No session is
opened in \`dns-rebinding-protection\`, and so nothing is killed there.

| scenario | check | map of transports | manager | manager, killed |
| --- | --- | --- | --- | --- |
${table.join('\n')}
`;
}

const startedAt = performance.now();
const args = process.argv.slice(2);
const chosen = args.filter((each) => !each.startsWith('--'));
const listed = await listScenarios('server');
const unknown = chosen.filter((name) => !listed.includes(name));
if (unknown.length > 0) throw new Error(`the suite has no scenario ${unknown.join(', ')}`);
const names = chosen.length > 0 ? chosen : listed;

console.log(`@modelcontextprotocol/conformance ${suiteVersion}, ${names.length} server scenarios`);
const results = await runAll(names);
const lines = linesOf(results.values());
const plain = lines.map((line) => line.plain);
const killed = lines.flatMap((line) => line.killed ?? []);
report(results.values());
const stepsBack = [...plain, ...killed].filter(isStepBack);
for (const { scenario, check } of stepsBack) console.log(`a step back: ${scenario}, ${check}`);
const summary = [
  `passed, map of transports: ${inWords(count(plain, 'baseline'))}`,
  `passed, manager: ${inWords(count(plain, 'ours'))}`,
  `passed, manager over a SIGKILL: ${inWords(count(killed, 'ours'))}`,
  `passed by the map and not by ours: ${stepsBack.length}`,
];
console.log(`\n${summary.join('\n')}\n${((performance.now() - startedAt) / 1000).toFixed(0)} s`);

const figures = { passed: count(killed, 'ours').checks.passed, failed: stepsBack.length, skipped: 0 };
if (process.env.TEST_FIGURES) appendFileSync(process.env.TEST_FIGURES, `${JSON.stringify(figures)}\n`);
if (figures.failed > 0 || figures.passed === 0) process.exitCode = 1;
if (args.includes('--page') && chosen.length === 0) {
  writeFileSync(join(root, 'docs', 'conformance-server.md'), pageOf(lines, summary));
}
