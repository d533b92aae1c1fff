/** Put in by the build (esbuild.mjs). Sources that run as they are find the version where it stands. */
declare const PRODUCT_VERSION: string | undefined;

/** How this product names itself to servers, clients and people. The version stands in package.json and nowhere else. */
export const product: { readonly name: string; readonly version: string } = {
  name: 'resilient-mcp',
  version: typeof PRODUCT_VERSION === 'string' ? PRODUCT_VERSION : versionOfSources(),
};

function versionOfSources(): string {
  try {
    const { readFileSync } = process.getBuiltinModule('node:fs');
    return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
  } catch {
    // Bundled by somebody else, from the sources.
    return 'unknown';
  }
}
