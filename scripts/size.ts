// Says what dist/extension.js is made of, and fails when it is over its budget. Run it after a build.
import { readFileSync, statSync } from 'node:fs';
import type { Metafile } from 'esbuild';
import { budgets } from './budgets.ts';

const shown = 12;
const metafile: Metafile = JSON.parse(readFileSync('dist/meta/extension.json', 'utf8'));
const inputs = Object.entries(metafile.outputs['dist/extension.js']?.inputs ?? {});

function largest(groupOf: (file: string) => string): [string, number][] {
  const sizes = new Map<string, number>();
  for (const [file, { bytesInOutput }] of inputs) {
    sizes.set(groupOf(file), (sizes.get(groupOf(file)) ?? 0) + bytesInOutput);
  }
  return [...sizes].sort((a, b) => b[1] - a[1]).slice(0, shown);
}

function packageOf(file: string): string {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? file.split('/').slice(0, 2).join('/');
}

function inKiB(bytes: number): string {
  return `${(bytes / 1024).toFixed(1).padStart(7)} KiB`;
}

function print(title: string, sizes: readonly [string, number][]): void {
  console.log(`\n${title}`);
  for (const [name, bytes] of sizes) console.log(`${inKiB(bytes)}  ${name}`);
}

const bytes = statSync('dist/extension.js').size;
print('largest packages and rings', largest(packageOf));
print(
  'largest files',
  largest((file) => file.replace(/.*node_modules\//, '')),
);
print('in all', [[`dist/extension.js (budget${inKiB(budgets.extension)})`, bytes]]);
if (bytes > budgets.extension) {
  console.error('\ndist/extension.js is over its budget.');
  process.exitCode = 1;
}
