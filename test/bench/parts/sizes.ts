import { execFileSync } from 'node:child_process';
import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { budgets } from '../../../scripts/budgets.ts';
import { packExtension } from '../../editor/pack.ts';
import type { Part } from '../part.ts';

const root = join(import.meta.dirname, '../../..');

/** What is shipped, in a fresh build, beside the most that it may have. */
export async function sizesPart(): Promise<Part> {
  execFileSync(process.execPath, ['esbuild.mjs'], { cwd: root, stdio: 'ignore' });
  const vsix = join(mkdtempSync(join(tmpdir(), 'resilient-mcp-bench-')), 'extension.vsix');
  await packExtension(root, vsix);
  const comparisonOf = (title: string, budget: number, file: string) => ({
    title: `Size: ${title}`,
    startsAfresh: true,
    figures: [{ name: 'size', words: 'size', unit: 'KB', better: 'lower' as const }],
    contenders: [
      { name: 'the budget', measure: async () => ({ size: budget / 1000 }) },
      { name: title, measure: async () => ({ size: statSync(file).size / 1000 }) },
    ],
  });
  const comparisons = [
    comparisonOf('window.js, loaded at the start', budgets.start, join(root, 'dist/window.js')),
    comparisonOf('the .vsix', budgets.vsix, vsix),
  ];
  return { comparisons, [Symbol.asyncDispose]: async () => {} };
}
