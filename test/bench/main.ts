// Measures speed and size, each figure as a ratio to a named baseline in the same run. About fifteen minutes; asserts
// nothing.
//
//   npm run bench                              all parts
//   npm run bench -- --part client             one of them
//   npm run bench -- --rounds 3                fewer rounds than the 25 that are made if there is time
//   npm run bench -- --page                    all parts, and docs/performance.md is written anew
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compare, type Result } from './harness.ts';
import type { Part } from './part.ts';
import { attachPart } from './parts/attach.ts';
import { backPart } from './parts/back.ts';
import { clientPart } from './parts/client.ts';
import { editorPart } from './parts/editor.ts';
import { gatewayPart } from './parts/gateway.ts';
import { growthPart } from './parts/growth.ts';
import { largePart } from './parts/large.ts';
import { memoryPart } from './parts/memory.ts';
import { serverPart } from './parts/server.ts';
import { sizesPart } from './parts/sizes.ts';
import { timelinePart } from './parts/timeline.ts';
import { type Conditions, linesOf, pageOf } from './table.ts';

/** For the rounds of all parts that were asked for, in ms; starting their processes comes to it. */
const LIMIT_MS = 560_000;

const parts: Readonly<Record<string, () => Promise<Part>>> = {
  client: clientPart,
  back: backPart,
  gateway: gatewayPart,
  large: largePart,
  attach: attachPart,
  server: serverPart,
  growth: growthPart,
  memory: memoryPart,
  timeline: timelinePart,
  editor: editorPart,
  sizes: sizesPart,
};
const root = join(import.meta.dirname, '..', '..');

function settings() {
  const { values } = parseArgs({
    options: {
      part: { type: 'string', default: 'all' },
      rounds: { type: 'string', default: '25' },
      page: { type: 'boolean', default: false },
    },
  });
  const rounds = Number(values.rounds);
  const names = values.part === 'all' ? Object.keys(parts) : [values.part];
  const unknown = names.find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined)
    return `--part is one of ${Object.keys(parts).join(', ')}, all; not "${unknown}"`;
  if (!Number.isInteger(rounds) || rounds < 1) return `--rounds is a whole number, not "${values.rounds}"`;
  if (values.page && values.part !== 'all') return '--page is for all parts';
  return { names, rounds, writesPage: values.page };
}

async function measure(names: readonly string[], rounds: number): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const name of names) {
    await using part = await parts[name]?.();
    const { comparisons = [] } = part ?? {};
    const endsAt = performance.now() + LIMIT_MS / names.length;
    for (const [done, comparison] of comparisons.entries()) {
      const limitMs = (endsAt - performance.now()) / (comparisons.length - done);
      const found = await compare(comparison, { rounds, limitMs });
      console.log(`\n${linesOf(found)}`);
      results.push(...found);
    }
  }
  return results;
}

function versionOf(file: string): string {
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

async function main(): Promise<void> {
  const chosen = settings();
  if (typeof chosen === 'string') {
    console.error(`bench: ${chosen}`);
    process.exitCode = 2;
    return;
  }
  const startedAt = performance.now();
  // The nearest package.json above a module of the SDK holds nothing but its module format.
  const sdk = fileURLToPath(import.meta.resolve('@modelcontextprotocol/sdk/types.js'));
  const before = {
    date: new Date().toISOString().slice(0, 10),
    command: 'npm run bench -- --page',
    node: process.versions.node,
    sdk: versionOf(join(sdk, '../../../package.json')),
    resilientMcp: versionOf(join(root, 'package.json')),
    cores: availableParallelism(),
    load: loadavg()[0] ?? Number.NaN,
  };
  console.log(
    `${before.date}, Node.js ${before.node}, ${before.cores} cores, load ${before.load.toFixed(1)}`,
  );
  console.log('median of the rounds; ratio to the baseline of each table (lowest to highest of the rounds)');
  const results = await measure(chosen.names, chosen.rounds);
  const conditions: Conditions = { ...before, seconds: Math.round((performance.now() - startedAt) / 1000) };
  console.log(`\n${conditions.seconds} s`);
  if (chosen.writesPage) writeFileSync(join(root, 'docs', 'performance.md'), pageOf(results, conditions));
}

await main();
