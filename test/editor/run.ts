// Runs the tests that need a real VS Code, from a fresh build:
//
//   1. the suite of test/editor/suite, inside the extension host of a window that loads the extension from here;
//   2. the packed extension, installed by the editor's own command line into fresh folders.
//
// The window is a downloaded desktop VS Code where that can be had, else the editor host of test/editor-host;
// RESILIENT_MCP_EDITOR=host takes the host in any case. Pictures go to test-results/screenshots.
import { rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { runTests, TestRunFailedError } from '@vscode/test-electron';
import { CallEndpoint } from '../editor-host/call-endpoint.ts';
import { ensureEditorHost } from '../editor-host/install.ts';
import { CODE_SERVER_VERSION, VSCODE_VERSION } from '../editor-host/pins.ts';
import { ProcessGroup } from '../editor-host/process-group.ts';
import { createProfile } from '../editor-host/profile.ts';
import { bundleSuite } from './bundle.ts';
import { findDesktop } from './desktop.ts';
import { Stage } from './stage.ts';
import { STAGE_VARIABLE } from './stage-calls.ts';

/** After the editor is there, all of it must end within this time, in ms. */
const RUN_LIMIT_MS = 8 * 60_000;
/** How long a window has to close when it is told to, before it is killed, in ms. */
const CLOSE_LIMIT_MS = 10_000;

const root = join(import.meta.dirname, '../..');
const results = join(root, 'test-results');
const packageFile = join(results, 'resilient-mcp.vsix');
/** Aborted, with the exit code as its reason, when the run must end before its time. */
const interruption = new AbortController();

/** The executable that shows windows. Says which one it is. */
async function chooseEditor(): Promise<{ executable: string; isDesktop: boolean }> {
  const desktop = await findDesktop();
  if ('executable' in desktop) {
    console.log(`Editor: desktop VS Code ${VSCODE_VERSION}, downloaded.`);
    return { executable: desktop.executable, isDesktop: true };
  }
  console.log(`No desktop VS Code: ${desktop.missing}.`);
  await ensureEditorHost((line) => console.log(`Editor host: ${line}`));
  console.log(
    `Editor: VS Code ${VSCODE_VERSION} of code-server ${CODE_SERVER_VERSION}, in a headless browser.`,
  );
  return { executable: join(root, 'test/editor-host/code'), isDesktop: false };
}

/** The suite, inside the extension host. */
async function runSuite(executable: string): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const profile = await createProfile();
  resources.defer(() => profile.remove());
  const stage = new Stage();
  resources.defer(() => stage.close());
  const endpoint = await CallEndpoint.open(stage.handlers);
  resources.defer(() => endpoint.close());
  interruption.signal.addEventListener('abort', closeWindow);
  resources.defer(() => interruption.signal.removeEventListener('abort', closeWindow));
  await runTests({
    vscodeExecutablePath: executable,
    extensionDevelopmentPath: root,
    extensionTestsPath: await bundleSuite(root),
    launchArgs: [
      profile.workspace,
      `--user-data-dir=${profile.userData}`,
      `--extensions-dir=${profile.extensions}`,
    ],
    extensionTestsEnv: {
      [STAGE_VARIABLE]: endpoint.address,
      RESILIENT_MCP_EDITOR_RESULTS: results,
      RESILIENT_MCP_EDITOR_LIMIT_MS: String(RUN_LIMIT_MS),
    },
  });
}

/** runTests has the window's process to itself, but closes it on SIGINT, and kills it on the second one. */
function closeWindow(): void {
  process.emit('SIGINT');
  setTimeout(() => process.emit('SIGINT'), CLOSE_LIMIT_MS).unref();
}

/** A command of Node. Its output is ours; it ends with us. */
async function runNode(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
  const group = new ProcessGroup(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    onOutput: (text) => process.stdout.write(text),
  });
  const stop = (): void => void group.stop();
  interruption.signal.addEventListener('abort', stop);
  const code = await group.ended;
  interruption.signal.removeEventListener('abort', stop);
  if (code !== 0) throw new Error(`${args.join(' ')} ended with code ${code}`);
}

async function run(): Promise<void> {
  const { executable, isDesktop } = await chooseEditor();
  setTimeout(() => {
    console.error(`The run did not end within ${RUN_LIMIT_MS / 1000} s.`);
    interruption.abort(124);
  }, RUN_LIMIT_MS).unref();
  await rm(results, { recursive: true, force: true });
  await runNode(['scripts/package.ts', '--out', packageFile]);
  interruption.signal.throwIfAborted();
  let failure: unknown;
  await runSuite(executable).catch((error: unknown) => {
    failure = error;
  });
  interruption.signal.throwIfAborted();
  await runNode(['node_modules/mocha/bin/mocha.js', '--timeout', '120000', 'test/editor/packed.test.ts'], {
    RESILIENT_MCP_TEST_PACKAGE: packageFile,
    RESILIENT_MCP_TEST_PICTURES: join(results, 'screenshots'),
    ...(isDesktop ? { RESILIENT_MCP_TEST_DESKTOP: executable } : {}),
  });
  if (failure !== undefined) throw failure;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interruption.abort(128 + constants.signals[signal]));
}
try {
  await run();
  process.exitCode = 0;
} catch (error) {
  const { aborted, reason } = interruption.signal;
  process.exitCode = aborted ? Number(reason) : 1;
  // The suite has told its failures itself.
  if (!aborted && !(error instanceof TestRunFailedError)) console.error(error);
}
