import { existsSync, readFileSync } from 'node:fs';

/** What `resilient-mcp/client` exports. */
export type ClientModule = typeof import('../../src/client/index.ts');

const root = new URL('../../', import.meta.url);

/**
 * Loads `resilient-mcp/client`, the built file, as the package's own `exports` name it. In a project that has installed
 * the package this is `import { ResilientTransport } from 'resilient-mcp/client'`; here that name can't be resolved, since
 * a package is not installed in itself and this folder is a package scope of its own.
 *
 * @param fromSource loads the sources instead, for work on them
 * @throws Error when the package was not built
 */
export async function loadClient(fromSource: boolean): Promise<ClientModule> {
  if (fromSource) return import('../../src/client/index.ts');
  const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    exports: { './client': { import: string } };
  };
  const file = new URL(manifest.exports['./client'].import, root);
  if (!existsSync(file))
    throw new Error('the package is not built: run "npm run build", or "npm start", which does');
  return (await import(file.href)) as ClientModule;
}
