// Measures the MCP client that is part of VS Code, and a connection of this extension, against the same faults in one
// window. A measurement, no test: it fails only when a row could not be measured.
//
//   npm run measure:vscode              the table on standard output, under two minutes
//   npm run measure:vscode -- --page    the same, and docs/vscode-client.md is written anew
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runTests } from '@vscode/test-electron';
import { CallEndpoint } from '../../editor-host/call-endpoint.ts';
import { ensureEditorHost } from '../../editor-host/install.ts';
import { MissingPartError } from '../../editor-host/missing-part.ts';
import { ProcessGroup } from '../../editor-host/process-group.ts';
import { createProfile, type Profile, useScratchFolder } from '../../editor-host/profile.ts';
import { ensureBrowser } from '../../editor-host/programs.ts';
import { bundleSuite } from '../bundle.ts';
import { whenToldToEnd } from '../run-ends.ts';
import { Bench } from './bench.ts';
import { MEASURE_VARIABLE } from './measure-calls.ts';
import { linesOf, pageOf } from './page.ts';

const BUILD_LIMIT_MS = 120_000;
/** How long the window may be open, in ms. */
const WINDOW_LIMIT_MS = 6 * 60_000;
/** How long it has to close when the run is told to end, in ms. */
const CLOSE_LIMIT_MS = 10_000;

const root = join(import.meta.dirname, '../../..');
const say = (line: string): void => console.log(`Editor host: ${line}`);

/** A workspace that gives each client its own servers, by the file or setting that users write. */
async function profileFor(bench: Bench): Promise<Profile> {
  const ours = [...bench.urls('extension')].map(([name, url]) => [name, { url }]);
  const builtIn = [...bench.urls('vscode')].map(([name, url]) => [name, { type: 'http', url }]);
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
  await ensureEditorHost(say);
  await ensureBrowser(say);
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

async function main(): Promise<number> {
  const startedAt = performance.now();
  const bench = await Bench.start();
  await measure(bench);
  console.log(linesOf(bench));
  const { missing } = bench;
  for (const line of missing) console.error(`not measured: ${line}`);
  console.log(`\n${runFacts(startedAt).seconds} s`);
  if (missing.length > 0) return 1;
  if (process.argv.includes('--page')) {
    writeFileSync(join(root, 'docs/vscode-client.md'), pageOf(bench, runFacts(startedAt)));
  }
  return 0;
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
