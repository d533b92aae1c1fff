// Says what is loaded when the extension starts, and fails when that is over its budget. Run it after a build.
import { readFileSync, statSync } from 'node:fs';
import type { Metafile } from 'esbuild';
import { budgets } from './budgets.ts';

const shown = 12;
const files = ['extension', 'window'] as const;
const inputs = files.flatMap((name) => {
  const metafile: Metafile = JSON.parse(readFileSync(`dist/meta/${name}.json`, 'utf8'));
  return Object.entries(metafile.outputs[`dist/${name}.js`]?.inputs ?? {});
});

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

const [entry = 0, window = 0] = files.map((name) => statSync(`dist/${name}.js`).size);
const all = entry + window;
print('largest packages and rings', largest(packageOf));
print(
  'largest files',
  largest((file) => file.replace(/.*node_modules\//, '')),
);
print('in all', [
  [`dist/extension.js (budget${inKiB(budgets.extension)})`, entry],
  [`with dist/window.js (budget${inKiB(budgets.start)})`, all],
]);
if (entry > budgets.extension || all > budgets.start) {
  console.error('\nWhat is loaded at the start is over its budget.');
  process.exitCode = 1;
}
