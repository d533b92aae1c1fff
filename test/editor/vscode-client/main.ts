// Measures the MCP client that is part of VS Code, once connected to servers directly and once through the gateway of
// this extension, against the same faults in one window. Fails when a row could not be measured, and when through the
// gateway a request was lost that could be answered, ran twice or hung, or a notification was lost (judge.ts).
//
//   npm run measure:vscode              the table on standard output, in about four minutes
//   npm run measure:vscode -- --page    the same, and docs/vscode-client.md and the table of README.md are written anew
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runTests } from '@vscode/test-electron';
import { CallEndpoint } from '../../editor-host/call-endpoint.ts';
import { findEditorHost } from '../../editor-host/host.ts';
import { MissingPartError } from '../../editor-host/missing-part.ts';
import { ProcessGroup } from '../../editor-host/process-group.ts';
import { createProfile, type Profile, useScratchFolder } from '../../editor-host/profile.ts';
import { findBrowser } from '../../editor-host/programs.ts';
import { bundleSuite } from '../bundle.ts';
import { whenToldToEnd } from '../run-ends.ts';
import { Bench } from './bench.ts';
import { wrongWith } from './judge.ts';
import { MEASURE_VARIABLE } from './measure-calls.ts';
import { linesOf, pageOf, withTable } from './page.ts';
import { clients, rows } from './rows.ts';

const BUILD_LIMIT_MS = 120_000;
/** How long the window may be open, in ms. */
const WINDOW_LIMIT_MS = 10 * 60_000;
/** How long it has to close when the run is told to end, in ms. */
const CLOSE_LIMIT_MS = 10_000;

const root = join(import.meta.dirname, '../../..');

/** A workspace that gives each way its own servers, by the file or setting that users write. */
async function profileFor(bench: Bench): Promise<Profile> {
  const ours = [...bench.urls('gateway')].map(([name, url]) => [name, { url }]);
  const builtIn = [...bench.urls('direct')].map(([name, url]) => [name, { type: 'http', url }]);
  const profile = await createProfile({ 'resilientMcp.servers': Object.fromEntries(ours) });
  const mcpJson = JSON.stringify({ servers: Object.fromEntries(builtIn) }, undefined, 2);
  await writeFile(join(profile.workspace, '.vscode/mcp.json'), mcpJson);
  return profile;
}

/** Opens the window and waits until the suite in it has ended. */
async function measureIn(profile: Profile, address: string): Promise<void> {
  const results = join(root, 'test-results/vscode-client');
  await mkdir(results, { recursive: true });
  await runTests({
    vscodeExecutablePath: join(root, 'test/editor-host/code'),
    extensionDevelopmentPath: root,
    extensionTestsPath: await bundleSuite(root, 'vscode-client/suite'),
    launchArgs: [
      profile.workspace,
      `--user-data-dir=${profile.userData}`,
      `--extensions-dir=${profile.extensions}`,
    ],
    extensionTestsEnv: {
      [MEASURE_VARIABLE]: address,
      RESILIENT_MCP_EDITOR_RESULTS: results,
      RESILIENT_MCP_EDITOR_LIMIT_MS: String(WINDOW_LIMIT_MS),
    },
  });
}

/** Settled when there is no window. */
let windowClosed: Promise<unknown> = Promise.resolve();

/** Measures everything. What could not be measured is named in `bench.missing`. */
async function measure(bench: Bench): Promise<void> {
  await findEditorHost();
  await findBrowser();
  await new ProcessGroup(process.execPath, ['esbuild.mjs'], { cwd: root }).succeeded(BUILD_LIMIT_MS);
  const endpoint = await CallEndpoint.open(bench.handlers);
  try {
    const measuring = measureIn(await profileFor(bench), endpoint.address);
    windowClosed = measuring.catch(() => {});
    await measuring;
  } catch (error) {
    // The rows that were measured before stay measured.
    console.error(error instanceof Error ? error.message : error);
  } finally {
    await endpoint.close();
  }
}

function runFacts(startedAt: number): Parameters<typeof pageOf>[1] {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return {
    date: new Date().toISOString().slice(0, 10),
    resilientMcp: version,
    seconds: Math.round((performance.now() - startedAt) / 1000),
  };
}

function writePages(bench: Bench, facts: Parameters<typeof pageOf>[1]): void {
  writeFileSync(join(root, 'docs/vscode-client.md'), pageOf(bench, facts));
  const readme = join(root, 'README.md');
  writeFileSync(readme, withTable(readFileSync(readme, 'utf8'), bench, facts));
}

async function main(): Promise<number> {
  const startedAt = performance.now();
  const keys = rows.flatMap(({ id }) => clients.map((client) => ({ row: id, client: client.id })));
  const bench = await Bench.start(keys);
  await measure(bench);
  console.log(linesOf(bench));
  const { missing } = bench;
  const wrong = rows.flatMap(({ id }) => {
    const measurement = bench.measurement({ row: id, client: 'gateway' });
    return measurement ? wrongWith(measurement).map((words) => `${id}: ${words}`) : [];
  });
  for (const line of missing) console.error(`not measured: ${line}`);
  for (const line of wrong) console.error(`wrong, through the gateway: ${line}`);
  console.log(`\n${runFacts(startedAt).seconds} s`);
  if (missing.length > 0) return 1;
  if (process.argv.includes('--page')) writePages(bench, runFacts(startedAt));
  return wrong.length === 0 ? 0 : 1;
}

let interrupted = false;

/** Ends the run before its time, but not before the window: it would still write into the folder that we delete. */
async function interrupt(code: number): Promise<void> {
  interrupted = true;
  process.emit('SIGINT'); // runTests has the window's process to itself, and closes it on this
  await Promise.race([windowClosed, delay(CLOSE_LIMIT_MS)]);
  process.exit(code);
}

whenToldToEnd((code) => void interrupt(code));
useScratchFolder();
try {
  const code = await main();
  if (!interrupted) process.exit(code);
} catch (error) {
  console.error(error instanceof MissingPartError ? error.message : error);
  if (!interrupted) process.exit(1);
}
