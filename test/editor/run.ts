// Runs the tests that need a real VS Code, from a fresh build:
//
//   1. the suite of test/editor/suite, inside the extension host of a window that loads the extension from here;
//   2. the suite of test/editor/restricted, in a window that asks for trust in its folder;
//   3. the packed extension, installed by the editor's own command line into fresh folders.
//
// The window is a downloaded desktop VS Code where that can be had, else the editor host of test/editor-host;
// RESILIENT_MCP_EDITOR=host takes the host in any case. Pictures go to test-results/screenshots.
// `npm run test:editor -- --grep <text>` runs those tests of the first part whose name holds the text, or of the second
// where it holds "Restricted Mode", and nothing else.
import { appendFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { runTests, TestRunFailedError } from '@vscode/test-electron';
import { CallEndpoint } from '../editor-host/call-endpoint.ts';
import { findEditorHost } from '../editor-host/host.ts';
import { MissingPartError } from '../editor-host/missing-part.ts';
import { CODE_SERVER_VERSION, VSCODE_VERSION } from '../editor-host/pins.ts';
import { ProcessGroup } from '../editor-host/process-group.ts';
import { createProfile, type Profile, useScratchFolder } from '../editor-host/profile.ts';
import { findBrowser } from '../editor-host/programs.ts';
import { bundleSuite } from './bundle.ts';
import { findDesktop } from './desktop.ts';
import { packExtension } from './pack.ts';
import { RESTRICTED_MODE, RESTRICTED_VARIABLE } from './restricted/files.ts';
import { restrictedScene } from './restricted/scene.ts';
import { whenToldToEnd } from './run-ends.ts';
import { Stage } from './stage.ts';
import { GREP_VARIABLE, STAGE_VARIABLE } from './stage-calls.ts';
import { Bench } from './vscode-client/bench.ts';
import { MEASURE_VARIABLE } from './vscode-client/measure-calls.ts';
import { quickRows } from './vscode-client/rows.ts';

/** Once the editor is there, all of it must end within this time, in ms. */
const RUN_LIMIT_MS = 15 * 60_000;
/** How long a window has to close when it is told to, before it is killed, in ms. */
const CLOSE_LIMIT_MS = 10_000;

const root = join(import.meta.dirname, '../..');
const results = join(root, 'test-results');
const packageFile = join(results, 'resilient-mcp.vsix');
const { grep } = parseArgs({ options: { grep: { type: 'string' } } }).values;

/** What every suite is told of the run. */
const variablesOfRun = {
  ...(grep !== undefined && { [GREP_VARIABLE]: grep }),
  RESILIENT_MCP_EDITOR_RESULTS: results,
  RESILIENT_MCP_EDITOR_LIMIT_MS: String(RUN_LIMIT_MS),
};

function launchArguments({ workspace, userData, extensions }: Profile): string[] {
  return [workspace, `--user-data-dir=${userData}`, `--extensions-dir=${extensions}`];
}

/** The executable that shows windows. Says which one it is. */
async function chooseEditor(): Promise<{ executable: string; isDesktop: boolean }> {
  const desktop = await findDesktop();
  if ('executable' in desktop) {
    console.log(`Editor: desktop VS Code ${VSCODE_VERSION}, downloaded.`);
    return { executable: desktop.executable, isDesktop: true };
  }
  console.log(`No desktop VS Code: ${desktop.missing}.`);
  await findEditorHost();
  await findBrowser();
  console.log(
    `Editor: VS Code ${VSCODE_VERSION} of code-server ${CODE_SERVER_VERSION}, in a headless browser.`,
  );
  return { executable: join(root, 'test/editor-host/code'), isDesktop: false };
}

/** The suite of a window that asks for trust in its folder. Rejects when a test failed. */
async function runRestricted(executable: string, isDesktop: boolean): Promise<void> {
  if (isDesktop) {
    // What starts the desktop for a test switches trust off by itself.
    console.log(`Not run in a desktop window: the tests of ${RESTRICTED_MODE}.`);
    return;
  }
  await using resources = new AsyncDisposableStack();
  const { profile, files } = await restrictedScene();
  const stage = new Stage();
  resources.defer(() => stage.close());
  const endpoint = await CallEndpoint.open(stage.handlers);
  resources.defer(() => endpoint.close());
  const variables = { [STAGE_VARIABLE]: endpoint.address, [RESTRICTED_VARIABLE]: JSON.stringify(files) };
  await runTests({
    vscodeExecutablePath: executable,
    extensionDevelopmentPath: root,
    extensionTestsPath: await bundleSuite(root, 'restricted'),
    launchArgs: [...launchArguments(profile), '--with-workspace-trust'],
    extensionTestsEnv: { ...variablesOfRun, ...variables },
  });
}

/** The suite, inside the extension host. Rejects when a test failed. */
async function runSuite(executable: string): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const profile = await createProfile();
  const stage = new Stage();
  resources.defer(() => stage.close());
  const endpoint = await CallEndpoint.open(stage.handlers);
  resources.defer(() => endpoint.close());
  const bench = await Bench.start(quickRows.map((row) => ({ row, client: 'gateway' })));
  resources.defer(() => bench.close());
  const measuring = await CallEndpoint.open(bench.handlers);
  resources.defer(() => measuring.close());
  await runTests({
    vscodeExecutablePath: executable,
    extensionDevelopmentPath: root,
    extensionTestsPath: await bundleSuite(root),
    launchArgs: launchArguments(profile),
    extensionTestsEnv: {
      ...variablesOfRun,
      [STAGE_VARIABLE]: endpoint.address,
      [MEASURE_VARIABLE]: measuring.address,
    },
  });
}

/** The tests of the packed extension, in a process of their own. Rejects when one failed. */
async function runPackedTests(desktop: string | undefined): Promise<void> {
  const mocha = 'node_modules/mocha/bin/mocha.js';
  const group = new ProcessGroup(
    process.execPath,
    [mocha, '--timeout', '180000', 'test/editor/packed.test.ts'],
    {
      cwd: root,
      env: {
        ...process.env,
        RESILIENT_MCP_TEST_PACKAGE: packageFile,
        RESILIENT_MCP_TEST_PICTURES: join(results, 'screenshots'),
        RESILIENT_MCP_TEST_DESKTOP: desktop,
      },
      onOutput: (text) => process.stdout.write(text),
    },
  );
  const code = await group.ended;
  if (code !== 0) throw new TestRunFailedError(code, undefined);
}

/** The part that has the window; settled when there is none. */
let windowClosed: Promise<unknown> = Promise.resolve();

async function run(): Promise<void> {
  const { executable, isDesktop } = await chooseEditor();
  setTimeout(() => {
    console.error(`The run did not end within ${RUN_LIMIT_MS / 1000} s.`);
    void interrupt(124);
  }, RUN_LIMIT_MS).unref();
  await rm(results, { recursive: true, force: true });
  await mkdir(results, { recursive: true });
  await packExtension(root, packageFile);
  const isRestricted = grep?.includes(RESTRICTED_MODE) ?? false;
  const suite = isRestricted ? runRestricted(executable, isDesktop) : runSuite(executable);
  windowClosed = suite.catch(() => {});
  await windowClosed;
  if (!interrupted && grep === undefined) {
    const restricted = runRestricted(executable, isDesktop);
    windowClosed = restricted.catch(() => {});
    await windowClosed;
    if (!interrupted) await runPackedTests(isDesktop ? executable : undefined);
    await restricted;
  }
  await suite; // its failure counts, but does not keep the other part from running
}

/** What is missing is for the user to get. */
function skip({ message }: MissingPartError): void {
  console.log(`Skipped, the suites inside a real VS Code cannot run here: ${message}`);
  const { TEST_FIGURES } = process.env;
  const figures = { passed: 0, failed: 0, skipped: 1 };
  if (TEST_FIGURES) appendFileSync(TEST_FIGURES, `${JSON.stringify(figures)}\n`);
}

let interrupted = false;

/** Ends the run before its time. Every other process of the run holds a pipe of this one, and ends with it. */
async function interrupt(code: number): Promise<void> {
  if (interrupted) return;
  interrupted = true;
  // runTests has the window's process to itself, but closes it on SIGINT, and kills it on the second one.
  process.emit('SIGINT');
  await Promise.race([windowClosed, delay(CLOSE_LIMIT_MS)]);
  process.emit('SIGINT');
  await Promise.race([windowClosed, delay(CLOSE_LIMIT_MS)]);
  process.exit(code);
}

whenToldToEnd((code) => void interrupt(code));
useScratchFolder();
try {
  await run();
} catch (error) {
  if (error instanceof MissingPartError) skip(error);
  else {
    process.exitCode = 1;
    // A failed test has told of itself.
    if (!interrupted && !(error instanceof TestRunFailedError)) console.error(error);
  }
}
