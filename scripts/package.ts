// Writes resilient-mcp-<version>.vsix, from a fresh build, the same bytes for the same sources.
//
//   node scripts/package.ts [--out <file>]
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createVSIX, listFiles, PackageManager } from '@vscode/vsce';
import { budgets } from './budgets.ts';

const root = join(import.meta.dirname, '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { values } = parseArgs({ options: { out: { type: 'string' } } });
const packagePath = resolve(values.out ?? join(root, `${manifest.name}-${manifest.version}.vsix`));

// What only npm and this repository read; the packages named in `dependencies` are in the bundle.
const notForTheEditor = [
  'allowScripts',
  'bin',
  'dependencies',
  'devDependencies',
  'exports',
  'files',
  'scripts',
];

// A zip stores local times: fixed, so that neither the hour nor the place of packing shows in the file.
process.env.TZ = 'UTC';
process.env.SOURCE_DATE_EPOCH ??= String(Date.UTC(1980, 0, 1) / 1000);

function build(): void {
  const { status } = spawnSync(process.execPath, ['esbuild.mjs'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('The build failed.');
}

/**
 * Copies what .vscodeignore lets through, with the same file modes everywhere. vsce does not pack the repository
 * itself, because it refuses a package.json with `files` beside a .vscodeignore, and npm needs the one as the editor
 * needs the other.
 */
async function stage(folder: string): Promise<void> {
  const files = await listFiles({
    cwd: root,
    packageManager: PackageManager.None,
    ignoreFile: join(root, '.vscodeignore'),
  });
  for (const file of files) {
    const target = join(folder, file);
    cpSync(join(root, file), target, { recursive: true });
    chmodSync(target, 0o644);
    if (dirname(file) !== '.') chmodSync(dirname(target), 0o755);
  }
  // All of it is let through already; vsce warns when there is no list.
  cpSync(join(root, '.vscodeignore'), join(folder, '.vscodeignore'));
  const forTheEditor = Object.entries(manifest).filter(([key]) => !notForTheEditor.includes(key));
  writeFileSync(
    join(folder, 'package.json'),
    `${JSON.stringify(Object.fromEntries(forTheEditor), null, 2)}\n`,
  );
}

const staging = mkdtempSync(join(tmpdir(), 'resilient-mcp-vsix-'));
try {
  build();
  await stage(staging);
  await createVSIX({
    cwd: staging,
    packagePath,
    dependencies: false,
  });
} finally {
  rmSync(staging, { recursive: true, force: true });
}

const { size } = statSync(packagePath);
if (size > budgets.vsix) {
  console.error(`${packagePath}: ${size} bytes, over the budget of ${budgets.vsix}.`);
  process.exitCode = 1;
}
