// Runs the tests of the server's side on the wire against the oldest and the newest version of the SDK that package.json
// allows. Each is installed once, into the user's cache, and looked for there first.
//
//   npm run test:sdk-range              the oldest and the newest, two to four minutes
//   npm run test:sdk-range -- 1.27.1    the versions whose numbers are given
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const SDK = '@modelcontextprotocol/sdk';
const INSTALL_LIMIT_MS = 3 * 60_000;
const TEST_LIMIT_MS = 5 * 60_000;

/** What a version must be able to do: sessions, adoption, streams, limits, and a client of that version over 20 kills. */
const tests = [
  'test/server/session-manager.test.ts',
  'test/server/adoption.test.ts',
  'test/server/endings.test.ts',
  'test/server/resumption.test.ts',
  'test/server/node-http.test.ts',
  'test/server/scenarios/*.test.ts',
];

/** A run that tested the wrong version would prove nothing. */
const printVersion = `
  import { installedSdkVersion } from './src/server/sdk/sdk-version.ts';
  console.log(installedSdkVersion());`;

const root = join(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const range: string = manifest.peerDependencies[SDK];

/** The text that a program writes, in time. @throws Error when it fails, with its last lines */
async function output(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { code, text } = await run(program, args, { cwd, limitMs: INSTALL_LIMIT_MS, env });
  if (code === '0') return text;
  const lines = text.trim().split('\n').slice(-15).join('\n  ');
  throw new Error(`${program} ${args.join(' ')}: ${code}\n  ${lines}`);
}

interface Running {
  readonly cwd: string;
  readonly limitMs: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Shows what it writes, too. */
  readonly isShown?: boolean;
}

function run(program: string, args: readonly string[], { cwd, limitMs, env, isShown }: Running) {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', isShown ? 'inherit' : 'ignore'],
    shell: process.platform === 'win32' && program === 'npm',
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    if (isShown) process.stdout.write(part);
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
  return new Promise<{ code: string; text: string }>((resolve) => {
    child.once('error', (error) => resolve({ code: error.message, text }));
    child.once('close', (code, signal) => {
      clearTimeout(limit);
      resolve({ code: String(code ?? signal), text });
    });
  });
}

/** The oldest version is in the range's own words; the newest is asked of the registry. */
async function ends(): Promise<readonly string[]> {
  const oldest = range.replace(/^\^/, '');
  const answer = JSON.parse(await output('npm', ['view', `${SDK}@${range}`, 'version', '--json'], root));
  const newest = [answer].flat().sort(compareVersions).at(-1) ?? oldest;
  return [oldest, newest];
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  const at = left?.findIndex((part, index) => part !== right?.[index]) ?? -1;
  return at < 0 ? 0 : (left?.[at] ?? 0) - (right?.[at] ?? 0);
}

/** The folder in which a version is installed, with the zod of this project. */
async function installed(version: string): Promise<string> {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = join(cache, 'resilient-mcp', 'sdk-range', version);
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  // Renamed when whole: a broken-off installation is never taken for one.
  const draft = mkdtempSync(`${folder}.partial-`);
  try {
    console.log(`installing ${SDK} ${version}`);
    writeFileSync(join(draft, 'package.json'), '{ "private": true }');
    const packages = [`${SDK}@${version}`, `zod@${manifest.dependencies.zod}`];
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--save-exact'];
    await output('npm', ['install', ...flags, ...packages], draft);
    renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return folder;
}

/** How many tests passed with a version; undefined when one failed, or too few ran to mean anything. */
async function testWith(version: string): Promise<number | undefined> {
  const folder = await installed(version);
  const redirect = pathToFileURL(join(import.meta.dirname, 'redirect.ts')).href;
  const redirected = { SDK_FOLDER: folder, NODE_OPTIONS: `--import=${redirect}` };
  const seen = await output(process.execPath, ['--input-type=module', '-e', printVersion], root, redirected);
  if (seen.trim() !== version) throw new Error(`the imports gave ${seen.trim()} and not ${version}`);
  console.log(`\n── ${SDK} ${version} ──`);
  const mocha = join(root, 'node_modules/mocha/bin/mocha.js');
  const { code, text } = await run(process.execPath, [mocha, ...tests], {
    cwd: root,
    limitMs: TEST_LIMIT_MS,
    env: redirected,
    isShown: true,
  });
  const passed = Number(/(\d+) passing/.exec(text)?.[1] ?? 0);
  return code === '0' && passed > 0 ? passed : undefined;
}

const chosen = process.argv.slice(2);
const versions = chosen.length > 0 ? chosen : [...new Set(await ends())];
console.log(`peer range ${range}, tried with ${versions.join(' and ')}`);
const startedAt = performance.now();
const results: string[] = [];
for (const version of versions) {
  const passed = await testWith(version);
  results.push(`${version}: ${passed === undefined ? 'failed' : `${passed} tests passed`}`);
  if (passed === undefined) process.exitCode = 1;
}
console.log(`\n${results.join('\n')}\n${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
