import assert from 'node:assert/strict';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';

const root = join(import.meta.dirname, '../..');

/** The packages that are loaded before the first message, and not when they are needed. */
async function packagesOf(entry: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { entry },
    outdir: 'not-written',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  return [...loadedBy('not-written/entry.js', metafile, new Set())].sort();
}

function loadedBy(file: string, metafile: Metafile, seen: Set<string>): Set<string> {
  const packages = new Set<string>();
  for (const { path, kind, external } of metafile.outputs[file]?.imports ?? []) {
    if (kind !== 'import-statement' || path.startsWith('node:') || seen.has(path)) continue;
    if (external) {
      packages.add(path);
      continue;
    }
    seen.add(path);
    for (const each of loadedBy(path, metafile, seen)) packages.add(each);
  }
  return packages;
}

describe('the start of a bridge, which a client waits for', () => {
  it('loads two small packages, and neither the SDK nor a validator', async () => {
    assert.deepEqual(await packagesOf('src/cli/bridge/command.ts'), ['eventsource-parser']);
  });

  it('is the same for attach, which an editor starts for each server', async () => {
    assert.deepEqual(await packagesOf('src/cli/attach/program.ts'), ['eventsource-parser']);
  });

  it('is no larger for attach where it holds the connection itself', async () => {
    assert.deepEqual(await packagesOf('src/cli/attach/direct.ts'), ['eventsource-parser']);
    assert.deepEqual(await packagesOf('src/hub/open/open-program.ts'), ['cross-spawn', 'eventsource-parser']);
  });

  it('loads nothing of the other commands', async () => {
    assert.deepEqual(await packagesOf('src/cli/main.ts'), []);
  });

  it('would be seen to load more', async () => {
    const packages = await packagesOf('src/cli/gateway/run.ts');
    assert.ok(
      packages.some((path) => path.startsWith('@modelcontextprotocol/sdk/')),
      packages.join(),
    );
  });
});
