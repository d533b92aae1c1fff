/**
 * A stand-in for the VS Code executable: `@vscode/test-electron` starts it, as it would start the desktop, through
 * the launcher `code` beside this file. It carries the test run out in code-server, shown in a headless browser, and
 * exits with the suite's code; 124 when the time is up, 128 + n after signal n.
 */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CallEndpoint } from './call-endpoint.ts';
import { type CodeArguments, readCodeArguments } from './code-arguments.ts';
import { Deferred } from './deferred.ts';
import { findEditorHost } from './host.ts';
import { findBrowser } from './programs.ts';
import { startEditorServer } from './server.ts';
import { WINDOW_VARIABLE, type WindowCalls, windowHandlers } from './window-calls.ts';
import { Workbench } from './workbench.ts';

/** How long the whole run may take, in ms. `RESILIENT_MCP_EDITOR_LIMIT_MS` sets another limit. */
const DEFAULT_LIMIT_MS = 5 * 60_000;

/** The folder for pictures and for the log of the window; the run that starts us names it. */
const results = process.env.RESILIENT_MCP_EDITOR_RESULTS ?? 'test-results';
const windowLog = join(results, 'editor-window.log');

/** Opens the window and resolves with the exit code of the suite. What it opens is left in `resources`. */
async function runSuite(args: CodeArguments, resources: AsyncDisposableStack): Promise<number> {
  const [host, browser] = [await findEditorHost(), await findBrowser()];
  await mkdir(results, { recursive: true });
  const log = createWriteStream(windowLog);
  const opened = new Deferred<Workbench>();
  const handlers = windowHandlers(opened.promise, join(results, 'screenshots'));
  const calls = await CallEndpoint.open<WindowCalls>(handlers);
  resources.defer(() => calls.close());
  const server = await startEditorServer(host, {
    userData: args.userData,
    extensions: args.extensions,
    workspaceTrust: args.workspaceTrust,
    env: { [WINDOW_VARIABLE]: calls.address },
    onOutput: (text) => log.write(text),
  });
  resources.defer(() => server.group.stop());
  const window = await Workbench.open(browser, {
    server: server.url,
    folder: args.folder,
    development: { extensions: args.developmentPaths, tests: args.testsPath },
    onLog: (line) => log.write(`${line}\n`),
  });
  resources.defer(() => window.close());
  opened.resolve(window);
  return Promise.race([window.testsEnded, serverGone(server.group.ended)]);
}

async function serverGone(ended: Promise<number>): Promise<number> {
  const code = await ended;
  throw new Error(`The editor's server ended during the run, with code ${code}`);
}

/** Resolves with an exit code when the run must stop before its suite ends. */
function interruption(): Promise<number> {
  const exit = new Deferred<number>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => exit.resolve(128 + constants.signals[signal]));
  }
  // test-electron holds the other end of this pipe. When it closes, whoever started the run has died.
  process.stdin.once('end', () => exit.resolve(128 + constants.signals.SIGHUP)).resume();
  const limitMs = Number(process.env.RESILIENT_MCP_EDITOR_LIMIT_MS ?? DEFAULT_LIMIT_MS);
  void delay(limitMs).then(() => {
    console.error(`The run in the editor did not end within ${limitMs / 1000} s`);
    exit.resolve(124);
  });
  return exit.promise;
}

const resources = new AsyncDisposableStack();
let code = 1;
try {
  const args = readCodeArguments(process.argv.slice(2));
  code = await Promise.race([runSuite(args, resources), interruption()]);
} catch (error) {
  console.error(error);
}
if (code !== 0) console.error(`What the window and its server wrote is in ${windowLog}`);
await resources.disposeAsync().catch(console.error);
// Not by itself: what was still being opened when the run was interrupted keeps the process alive, and ends with it.
process.exit(code);
