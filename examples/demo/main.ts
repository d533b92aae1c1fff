/**
 * The main job, in a terminal: two servers as processes, a client that calls both several times a second, and each server
 * killed with SIGKILL and started again three times, between calls and in the middle of calls.
 *
 *   npm start                 builds first
 *   npm start -- --plain      the same with the SDK's own transport, to see the difference
 *   --brief                   shorter waits; for the tests
 *   --source                  the transport from src/ instead of the built package
 *
 * The last line is `calls <n>, lost <n>, run twice <n>, sessions <n>`. The exit code is 0 only if nothing was lost and
 * nothing ran twice; 2 if the demo could not be shown.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ranTwice, readLedger } from '../../harness/ledger.ts';
import { loadClient } from './built-client.ts';
import { Scene } from './scene.ts';
import { story } from './story.ts';

const { plain, brief, source } = parseArgs({
  options: {
    plain: { type: 'boolean', default: false },
    brief: { type: 'boolean', default: false },
    source: { type: 'boolean', default: false },
  },
}).values;

let keepsFolder = false;

const pace = brief ? { callsBetween: 3, outageMs: 500 } : { callsBetween: 7, outageMs: 2000 };

// The servers end with this process, however it ends (supervised-server.ts).
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

try {
  process.exitCode = await demo();
} catch (error) {
  console.error(`\nThe demo could not be shown: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}

async function demo(): Promise<number> {
  const library = plain ? undefined : await loadClient(source);
  const folder = mkdtempSync(join(tmpdir(), 'resilient-mcp-demo-'));
  // The exit of this process takes it away, also one by Ctrl-C; verdict() keeps it where there is something to look into.
  process.once('exit', () => {
    if (!keepsFolder) rmSync(folder, { recursive: true, force: true });
  });
  const file = join(folder, 'ledger.jsonl');
  console.log(
    plain
      ? 'Two MCP servers, a client over the SDK transport. Each server is killed three times.\n'
      : 'Two MCP servers, a client over ResilientTransport. Each server is killed three times.\n',
  );
  const scene = await Scene.open({ library, file });
  try {
    scene.begin();
    await story(scene, pace);
    await scene.finish();
  } finally {
    await scene.close();
  }
  return verdict(scene, file);
}

/** Asks the ledger file, which no client can talk into anything, and gives the exit code. */
function verdict(scene: Scene, file: string): number {
  const lines = readLedger(file);
  const entries = new Set(lines.map((line) => line.entry));
  const twice = ranTwice(lines);
  const missing = scene.ledger.errands.written.filter((entry) => !entries.has(entry));
  // An append that was answered and is not in the file is as lost as one without an answer.
  const lost = scene.lost + missing.length;
  const good = lost === 0 && twice.size === 0;
  console.log(`\nThe ledger file holds ${lines.length} executions of ${entries.size} entries.`);
  for (const [entry, runs] of twice) console.log(`  ${entry} ran ${runs} times`);
  for (const entry of missing) console.log(`  ${entry} was answered and is not there`);
  keepsFolder = !good;
  if (keepsFolder) console.log(`It is kept: ${file}`);
  console.log(`calls ${scene.calls}, lost ${lost}, run twice ${twice.size}, sessions ${scene.sessions}`);
  return good ? 0 : 1;
}
