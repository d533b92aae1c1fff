// Runs the default agent of VS Code, in the real workbench, against servers that are killed: test/agent-host/*.test.ts.
//
// Nobody is signed in, and no model is asked: the agent is given a token that is none, as VS Code's own smoke tests do,
// and asks a service of ours for its model (fake-copilot.ts). Where that can be had, all of it runs in a network
// namespace that has nothing but loopback.
//
// Where a part is missing, the run says which, and ends with code 0.
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packExtension } from '../editor/pack.ts';
import { whenToldToEnd } from '../editor/run-ends.ts';
import { findEditorHost, findNativeModule } from '../editor-host/host.ts';
import { MissingPartError } from '../editor-host/missing-part.ts';
import { ProcessGroup } from '../editor-host/process-group.ts';
import { useScratchFolder } from '../editor-host/profile.ts';
import { findBrowser } from '../editor-host/programs.ts';

/** Without it the Agent Host can keep no session. */
const SQLITE = '@vscode/sqlite3';
/** All of it must end within this time, in ms. */
const RUN_LIMIT_MS = 45 * 60_000;
/** The same for one test. A machine ten times slower than ours takes half of it. */
const TEST_LIMIT_MS = 15 * 60_000;

const root = join(import.meta.dirname, '../..');
const results = join(root, 'test-results');

/** The words in front of a command that cut it off from every network; none where that cannot be had. */
async function offline(): Promise<string[]> {
  const up = ['sh', '-c', 'ip link set lo up && exec "$@"', 'offline'];
  for (const namespace of [
    ['unshare', '-n'],
    ['unshare', '-r', '-n'],
  ]) {
    const [command = '', ...args] = [...namespace, ...up];
    const works = await promisify(execFile)(command, [...args, 'true']).then(
      () => true,
      () => false,
    );
    if (works) return [command, ...args];
  }
  console.log('No network namespace can be had here: the run is not cut off from the network.');
  return [];
}

async function run(): Promise<number> {
  await findNativeModule(await findEditorHost(), SQLITE);
  await findBrowser();
  await mkdir(results, { recursive: true });
  const vsix = join(results, 'resilient-mcp.vsix');
  await packExtension(root, vsix);
  const mocha = [
    'node_modules/mocha/bin/mocha.js',
    '--timeout',
    `${TEST_LIMIT_MS}`,
    'test/agent-host/*.test.ts',
  ];
  const [command = process.execPath, ...args] = [...(await offline()), process.execPath, ...mocha];
  const group = new ProcessGroup(command, args, {
    cwd: root,
    env: {
      ...process.env,
      RESILIENT_MCP_TEST_PACKAGE: vsix,
      RESILIENT_MCP_TEST_PICTURES: join(results, 'agent-host'),
    },
    onOutput: (text) => process.stdout.write(text),
  });
  whenToldToEnd((code) => void group.stop().then(() => process.exit(code)));
  setTimeout(() => {
    console.error(`The run did not end within ${RUN_LIMIT_MS / 1000} s.`);
    void group.stop();
  }, RUN_LIMIT_MS).unref();
  return group.ended;
}

useScratchFolder();
try {
  process.exitCode = await run();
} catch (error) {
  if (!(error instanceof MissingPartError)) throw error;
  console.log(`Skipped, the default agent of VS Code cannot be run here: ${error.message}`);
}
