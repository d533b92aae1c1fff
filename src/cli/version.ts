import { readFileSync } from 'node:fs';

/** The version of this product: from the sources, or from the package that was built. */
export function productVersion(): string {
  const [sources, built] = ['../../package.json', '../../../package.json'].map(manifestAt);
  return (sources?.name === 'resilient-mcp' ? sources : built)?.version ?? 'unknown';
}

function manifestAt(path: string): { readonly name?: string; readonly version: string } | undefined {
  try {
    return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
  } catch {
    return undefined;
  }
}
