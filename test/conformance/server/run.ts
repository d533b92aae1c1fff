// Runs the official conformance suite's server scenarios on one server that is served in several ways, and compares them
// check by check. Fails when a check that the baseline passes is not passed by the others, and when a gateway in front of
// the baseline has any other score than the baseline has.
//
//   npm run test:conformance:server           all scenarios, three to six minutes
//   npm run test:conformance:server -- ping   those whose names are given
//   npm run test:conformance:server -- --page all, and docs/conformance-server.md is written anew
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../../harness/free-port.ts';
import { SupervisedServer, scriptPath } from '../../../harness/supervised-server.ts';
import { Gateway } from '../../../src/hub/gateway/index.ts';
import { installedSdkVersion } from '../../../src/server/sdk/sdk-version.ts';
import { scratchFolder } from '../../support/scratch.ts';
import { compare, count, isStepBack, type Row, type ScenarioResult } from '../comparison.ts';
import { inWords } from '../page.ts';
import { listScenarios, runServerScenario, suiteVersion } from '../suite.ts';

const script = (path: string) => scriptPath(path, import.meta.url);
const root = join(import.meta.dirname, '../../..');

/** The ways in which the server is served beside the baseline, the map of transports, by what the page calls them. */
const WAYS = ['manager', 'manager, killed', 'gateway', 'gateway, shared session'] as const;
type Way = (typeof WAYS)[number];

/** What is in front of the baseline has to say exactly what the baseline says. */
const IN_FRONT: readonly Way[] = ['gateway', 'gateway, shared session'];

/** The results of one scenario. */
interface Results {
  readonly baseline: ScenarioResult;
  readonly ways: Readonly<Record<Way, ScenarioResult>>;
}

interface OpenGateway extends AsyncDisposable {
  urlOf(name: string): string;
}

/** A gateway in front of one server, which is behind it twice. The suite sends no token. */
async function startGateway(url: string): Promise<OpenGateway> {
  const upstreams = { own: { url }, shared: { url, shared: true } };
  const gateway = new Gateway({ upstreams, withoutToken: true });
  await gateway.start();
  return {
    urlOf: (name) => gateway.urlOf(name),
    [Symbol.asyncDispose]: () => gateway.close(),
  };
}

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

async function runAll(names: readonly string[]): Promise<readonly Results[]> {
  await using map = await startProgram('the map of transports', './map-program.ts');
  await using manager = await startProgram('the session manager', './manager-program.ts');
  await using gateway = await startGateway(map.url);
  const all: Results[] = [];
  for (const name of names) {
    const run = (url: string) => runServerScenario(name, url, 'resilient');
    const results: Results = {
      baseline: await runServerScenario(name, map.url, 'sdk'),
      ways: {
        manager: await run(manager.url),
        'manager, killed': await runOverKill(name),
        gateway: await run(gateway.urlOf('own')),
        'gateway, shared session': await run(gateway.urlOf('shared')),
      },
    };
    all.push(results);
    const seconds = [results.baseline, ...Object.values(results.ways)].reduce(
      (sum, each) => sum + each.seconds,
      0,
    );
    process.stdout.write(`  ${name} (${seconds.toFixed(1)} s)\n`);
  }
  return all;
}

/** Check by check, one way beside the baseline. */
function rowsOf(results: readonly Results[], way: Way): readonly Row[] {
  return results.flatMap(({ baseline, ways }) => compare(baseline, ways[way]));
}

/** Made by the suite where calls are answered with streams; the gateway answers as JSON what comes at once. */
const ABOUT_STREAMS = 'server-sse-streams-functional';

/** Whether a row is not what it has to be. */
function isWrong(way: Way): (row: Row) => boolean {
  if (!IN_FRONT.includes(way)) return isStepBack;
  return (row) => row.ours !== row.baseline && !(row.check === ABOUT_STREAMS && row.ours === 'missing');
}

/** What a reader needs to see why. */
function report(results: readonly Results[]): void {
  for (const { reasons, output, scenario } of results.flatMap(({ ways }) => Object.values(ways))) {
    if (reasons.length > 0) console.log(`\n${scenario}:\n  ${reasons.join('\n  ')}`);
    if (reasons.includes('the scenario could not be run')) console.log(output);
  }
}

function pageOf(results: readonly Results[], summary: readonly string[]): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const rows = WAYS.map((way) => rowsOf(results, way));
  // A check that only one way made has a row of its own there.
  const keyOf = ({ scenario, check }: Row) => `${scenario} | ${check}`;
  const keys = new Set(rows.flat().map(keyOf));
  const table = [...keys].map((key) => {
    const found = rows.map((each) => each.find((row) => keyOf(row) === key));
    const baseline = found.find((row) => row)?.baseline ?? 'missing';
    return `| ${[key, baseline, ...found.map((row) => row?.ours ?? 'missing')].join(' | ')} |`;
  });
  return `# Conformance of the server's side

Written by \`npm run test:conformance:server -- --page\`; do not edit.

The official suite tries each of its server scenarios on one server that is served in several ways: by a map of the SDK's
transports, as the SDK's examples do it; by \`SessionManager\`; by \`resilient-mcp serve\`, whose process dies by SIGKILL
as soon as the suite's client has been initialized, so that everything after that is answered by another process; and by
the map of transports with a gateway in front of it, once with a session for each client and once with one for all.

| | |
| --- | --- |
| date | ${new Date().toISOString().slice(0, 10)} |
| suite | \`@modelcontextprotocol/conformance\` ${suiteVersion} |
| SDK | \`@modelcontextprotocol/sdk\` ${installedSdkVersion()} |
| this project | \`resilient-mcp\` ${version} |
| Node.js | ${process.versions.node} |
${summary.map((line) => `| ${line.replace(': ', ' | ')} |`).join('\n')}

A check that a scenario makes several times counts once. *Scenario as a whole* is the suite's own word. No session is
opened in \`dns-rebinding-protection\`, and so nothing is killed there. \`${ABOUT_STREAMS}\` is made of event streams
alone: the gateway answers as JSON what comes at once.

| scenario | check | map of transports | ${WAYS.join(' | ')} |
| --- | --- | --- | ${WAYS.map(() => '---').join(' | ')} |
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
report(results);
const wrong = WAYS.flatMap((way) =>
  rowsOf(results, way)
    .filter(isWrong(way))
    .map((row) => ({ way, ...row })),
);
for (const { way, scenario, check, baseline, ours } of wrong) {
  console.log(`not as it has to be, ${way}: ${scenario}, ${check}: ${baseline} became ${ours}`);
}
const summary = [
  `passed, map of transports: ${inWords(count(rowsOf(results, 'manager'), 'baseline'))}`,
  ...WAYS.map((way) => `passed, ${way}: ${inWords(count(rowsOf(results, way), 'ours'))}`),
  `not as it has to be: ${wrong.length}`,
];
console.log(`\n${summary.join('\n')}\n${((performance.now() - startedAt) / 1000).toFixed(0)} s`);

const { passed } = count(rowsOf(results, 'gateway'), 'ours').checks;
const figures = { passed, failed: wrong.length, skipped: 0 };
if (process.env.TEST_FIGURES) appendFileSync(process.env.TEST_FIGURES, `${JSON.stringify(figures)}\n`);
if (figures.failed > 0 || figures.passed === 0) process.exitCode = 1;
if (args.includes('--page') && chosen.length === 0) {
  writeFileSync(join(root, 'docs', 'conformance-server.md'), pageOf(results, summary));
}
