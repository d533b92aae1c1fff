import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * Bundles a suite into one CommonJS file and returns its path. The extension host of an older desktop, or one whose
 * Node was built without type stripping, loads that as well. It stays inside the work tree, where `mocha` is found.
 *
 * @param suite its folder below test/editor.
 */
export async function bundleSuite(root: string, suite = 'suite'): Promise<string> {
  const outfile = join(root, `.vscode-test/${suite.replaceAll('/', '-')}.cjs`);
  await build({
    entryPoints: [join(root, 'test/editor', suite, 'index.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return outfile;
}
