// Runs the tests that hold on every platform and on every Node.js that is supported, on the Node.js that runs this:
//
//   node scripts/portable.ts [file…]
//
// What is left out is named below, with its reason.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { leftOut, leftOutOnNode22, leftOutOnWindows } from './portable-tests.ts';

const root = join(import.meta.dirname, '..');
const [major = 0] = process.versions.node.split('.').map(Number);
const given = process.argv.slice(2);
const files = given.length > 0 ? given : portableTests();

function portableTests(): string[] {
  const patterns = {
    ...leftOut,
    ...(process.platform === 'win32' && leftOutOnWindows),
    ...(major < 24 && leftOutOnNode22),
  };
  const left = new Set(globSync(Object.keys(patterns), { cwd: root }));
  const kept = globSync('test/**/*.test.ts', { cwd: root }).filter((file) => !left.has(file));
  // Mocha takes a backslash for an escape.
  return kept.map((file) => file.replaceAll('\\', '/')).sort();
}

const hooks = pathToFileURL(join(import.meta.dirname, 'older-node.ts')).href;
const { NODE_OPTIONS = '' } = process.env;
const { status } = spawnSync(
  process.execPath,
  [join(root, 'node_modules/mocha/bin/mocha.js'), '--parallel', '--jobs', '2', ...files],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...(major < 24 && { NODE_OPTIONS: `${NODE_OPTIONS} --import=${hooks}` }) },
  },
);
process.exitCode = status ?? 1;
