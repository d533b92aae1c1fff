import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runToEnd } from '../support/run-to-end.ts';
import { type CheckRecord, type ScenarioResult, verdictsOf } from './comparison.ts';
import type { TransportName } from './transport.ts';

/** How long one client may take in one scenario; the suite then ends it and says so. */
const CLIENT_LIMIT_MS = 30_000;
/** How long the suite itself may take for one scenario before it is taken for stuck. */
const SUITE_LIMIT_MS = 45_000;

const manifestPath = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/package.json'));
const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as {
  version: string;
  bin: { conformance: string };
};
const program = join(dirname(manifestPath), manifest.bin.conformance);
const client = join(import.meta.dirname, 'client.ts');

export const suiteVersion = manifest.version;

/** The names of all scenarios for one side, as the suite lists them. */
export async function listScenarios(side: 'client' | 'server' = 'client'): Promise<readonly string[]> {
  const { output, code } = await run(['list', `--${side}`]);
  const names = [...output.matchAll(/^\s+- (\S+)/gm)].map(([, name]) => String(name));
  if (code !== '0' || names.length === 0) throw new Error(`the suite lists no ${side} scenario:\n${output}`);
  return names;
}

/** Has the suite drive a client with one of the transports through one scenario. Never rejects. */
export async function runScenario(scenario: string, transport: TransportName): Promise<ScenarioResult> {
  const folder = mkdtempSync(join(tmpdir(), 'resilient-mcp-conformance-'));
  const command = `"${process.execPath}" "${client}" ${transport}`;
  const limit = String(CLIENT_LIMIT_MS);
  const startedAt = performance.now();
  try {
    const { output, code } = await run([
      ...['client', '--command', command, '--scenario', scenario, '--timeout', limit, '--output-dir', folder],
    ]);
    const seconds = (performance.now() - startedAt) / 1000;
    return { scenario, transport, seconds, ...verdictsOf(checksIn(folder), code === '0'), output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Has the suite try one scenario on the server at an address. Never rejects. */
export async function runServerScenario(
  scenario: string,
  url: string,
  transport: TransportName,
): Promise<ScenarioResult> {
  const folder = mkdtempSync(join(tmpdir(), 'resilient-mcp-conformance-'));
  const startedAt = performance.now();
  try {
    const args = ['server', '--url', url, '--scenario', scenario, '--output-dir', folder];
    const { output, code } = await run(args);
    const seconds = (performance.now() - startedAt) / 1000;
    return { scenario, transport, seconds, ...verdictsOf(checksIn(folder), code === '0'), output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The record of the checks that the suite leaves; undefined when the scenario did not get so far. */
function checksIn(folder: string): readonly CheckRecord[] | undefined {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const file = files.find((each) => each.endsWith('checks.json'));
  return file === undefined ? undefined : JSON.parse(readFileSync(join(folder, file), 'utf8'));
}

/** Runs the suite's program; gives all that it wrote, and its exit code or why it has none. */
function run(args: readonly string[]): Promise<{ output: string; code: string }> {
  return runToEnd(process.execPath, [program, ...args], { cwd: process.cwd(), limitMs: SUITE_LIMIT_MS });
}
