// Runs npm scripts one after the other, whatever becomes of each, and adds up what they counted:
//
//   node scripts/run.ts lint types test:unit
//   node scripts/run.ts set-up --lane test:unit --lane build test:package
//
// Those of a lane run beside those of the other lanes, once all that stands in front of the first lane has ended. What a
// script of a lane writes is shown when it ends, so that no two of them speak at once.
//
// A script that counts its tests appends a line of JSON to the file named by TEST_FIGURES (mocha does so through
// test/support/figures-reporter.ts, and this runner does when it is run by itself); any other script counts as one.
// What failed is named once more at the end. The last line is exactly `N passed, N failed`, with `, N skipped` when
// something was skipped.
import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileCache } from './compile-cache.ts';

interface Failure {
  readonly title: string;
  readonly error: string;
}

interface Figures {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed, by name; a script without names counts only. */
  readonly failures?: readonly Failure[];
}

interface Part extends Figures {
  readonly script: string;
  readonly seconds: number;
  /** Why it failed although no test did. */
  readonly note: string;
}

/** A script that has not ended after this time is stuck: it is ended, and has failed. */
const limitMs = 20 * 60_000;
const nothing: Figures = { passed: 0, failed: 0, skipped: 0 };
const workFolder = mkdtempSync(join(tmpdir(), 'resilient-mcp-run-'));

async function runPart(script: string, isAlone: boolean): Promise<Part> {
  const title = `\n── ${script} ${'─'.repeat(Math.max(0, 76 - script.length))}\n`;
  console.log(isAlone ? title : `… ${script} has begun`);
  const startedAt = performance.now();
  const figuresFile = join(workFolder, `${script.replaceAll(':', '-')}.jsonl`);
  const outputFile = join(workFolder, `${script.replaceAll(':', '-')}.txt`);
  const output = isAlone ? 'inherit' : openSync(outputFile, 'w');
  const outcome = await exitOf(script, figuresFile, output);
  const seconds = (performance.now() - startedAt) / 1000;
  if (output !== 'inherit') {
    closeSync(output);
    console.log(`${title}\n${readFileSync(outputFile, 'utf8')}`);
  }
  return { script, seconds, ...judge(outcome, figuresIn(figuresFile)) };
}

/** `0`, or why the script did not end well. */
async function exitOf(script: string, figuresFile: string, output: 'inherit' | number): Promise<string> {
  // A process group of its own, so that a stuck script is ended together with everything that it started.
  const child = spawn('npm', ['run', '--silent', script], {
    stdio: ['ignore', output, output],
    env: { NODE_COMPILE_CACHE: compileCache, ...process.env, TEST_FIGURES: figuresFile },
    detached: process.platform !== 'win32',
    shell: process.platform === 'win32',
  });
  const end = (signal: NodeJS.Signals) => endGroup(child.pid, signal);
  const interrupt = () => end('SIGINT');
  const terminate = () => end('SIGTERM');
  process.on('SIGINT', interrupt).on('SIGTERM', terminate);
  let stuck = false;
  const limit = setTimeout(() => {
    stuck = true;
    end('SIGKILL');
  }, limitMs);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(stuck ? 'did not end' : `${code ?? signal}`));
    });
  } finally {
    clearTimeout(limit);
    process.off('SIGINT', interrupt).off('SIGTERM', terminate);
  }
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    // It has ended by itself in between.
  }
}

function figuresIn(file: string): Figures | undefined {
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return sum(lines.map((line) => JSON.parse(line)));
}

function judge(outcome: string, figures: Figures | undefined): Figures & { note: string } {
  if (outcome !== '0' && !figures?.failed) {
    const { passed, skipped } = figures ?? nothing;
    return { passed, failed: 1, skipped, note: outcome === 'did not end' ? outcome : `exit code ${outcome}` };
  }
  if (!figures) return { ...nothing, passed: 1, note: '' };
  const { passed, failed, skipped } = figures;
  if (passed + failed + skipped === 0) return { ...figures, failed: 1, note: 'no test ran' };
  return { ...figures, note: '' };
}

function sum(all: readonly Figures[]): Figures {
  return all.reduce(
    (total, { passed, failed, skipped, failures = [] }) => ({
      passed: total.passed + passed,
      failed: total.failed + failed,
      skipped: total.skipped + skipped,
      failures: [...(total.failures ?? []), ...failures],
    }),
    nothing,
  );
}

function inWords({ passed, failed, skipped }: Figures): string {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`;
}

/** The scripts of each lane; the first are those that run before all lanes. */
const [alone = [], ...lanes] = process.argv.slice(2).reduce<string[][]>(
  (all, word) => {
    if (word === '--lane') all.push([]);
    else all.at(-1)?.push(word);
    return all;
  },
  [[]],
);
let interrupted = false;
process.once('SIGINT', () => {
  interrupted = true;
});
process.once('SIGTERM', () => {
  interrupted = true;
});

async function runLane(scripts: readonly string[], isAlone: boolean): Promise<Part[]> {
  const parts: Part[] = [];
  for (const script of scripts) if (!interrupted) parts.push(await runPart(script, isAlone));
  return parts;
}

const parts = await runLane(alone, true);
parts.push(...(await Promise.all(lanes.map((lane) => runLane(lane, false)))).flat());
rmSync(workFolder, { recursive: true, force: true });

console.log(`\n── summary ${'─'.repeat(69)}\n`);
for (const { script, seconds, note, ...figures } of parts) {
  const mark = figures.failed ? '✘' : '✔';
  console.log(
    `${mark} ${script.padEnd(16)}${`${seconds.toFixed(1)} s`.padStart(8)}   ${inWords(figures)}${note && `: ${note}`}`,
  );
}
const total = sum(parts);
for (const { title, error } of total.failures ?? [])
  console.log(`\n✘ ${title}\n${error.replaceAll(/^/gm, '    ')}`);
if (process.env.TEST_FIGURES) appendFileSync(process.env.TEST_FIGURES, `${JSON.stringify(total)}\n`);
if (interrupted || total.failed > 0 || total.passed === 0) process.exitCode = 1;
console.log(`\n${inWords(total)}`);
