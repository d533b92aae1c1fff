import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../harness/free-port.ts';
import { readLedger } from '../../harness/ledger.ts';
import { type LostSessionDialect, lostSessionDialects } from '../../harness/ledger-endpoint.ts';
import { ledgerServer } from '../../harness/programs.ts';
import { SupervisedServer } from '../../harness/supervised-server.ts';
import { type Connected, connected } from '../support/connected.ts';
import { CuttingProxy } from './cutting-proxy.ts';
import { type Seeded, seeded } from './seeded.ts';

export interface ChaosOptions {
  readonly seed: number;
  /** Calls in all, spread over one server for each dialect. */
  readonly calls: number;
  /** Calls under way at one time, per server. */
  readonly inFlight: number;
  readonly tell?: (line: string) => void;
}

export interface ChaosReport {
  readonly calls: number;
  readonly answered: number;
  /** How long each answered call took, in ms. */
  readonly answeredInMs: readonly number[];
  /** Calls that failed in a typed error, by its code. */
  readonly failed: Readonly<Record<string, number>>;
  /** Calls without an answer and without a typed error. */
  readonly lost: readonly string[];
  /** Entries that the ledger holds more than once. */
  readonly runTwice: readonly string[];
  /** Calls that were answered although the ledger does not hold them, or refused as "did not run" although it does. */
  readonly untrue: readonly string[];
  readonly faults: Readonly<Record<string, number>>;
  readonly sessions: number;
}

/** What can happen to a server or to the way to it. */
const faults = ['kill', 'kill and stay away', 'freeze', 'cut all', 'cut some', 'end the session'] as const;
type FaultName = (typeof faults)[number];

/**
 * Thousands of calls with effects that the server writes down, while servers are killed and connections cut at random.
 * The same seed draws the same faults; when exactly each one strikes depends on the machine.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const share = Math.ceil(options.calls / lostSessionDialects.length);
  const arenas = lostSessionDialects.map((dialect, index) =>
    runArena({ ...options, calls: share, seed: options.seed + index }, dialect),
  );
  const reports = await Promise.all(arenas);
  return reports.reduce((sum, each) => ({
    calls: sum.calls + each.calls,
    answered: sum.answered + each.answered,
    answeredInMs: [...sum.answeredInMs, ...each.answeredInMs],
    failed: added(sum.failed, each.failed),
    lost: [...sum.lost, ...each.lost],
    runTwice: [...sum.runTwice, ...each.runTwice],
    untrue: [...sum.untrue, ...each.untrue],
    faults: added(sum.faults, each.faults),
    sessions: sum.sessions + each.sessions,
  }));
}

async function runArena(options: ChaosOptions, dialect: LostSessionDialect): Promise<ChaosReport> {
  const random = seeded(options.seed);
  const folder = await mkdtemp(join(tmpdir(), 'resilient-mcp-chaos-'));
  const file = join(folder, 'ledger.jsonl');
  const port = await freePort();
  try {
    await using server = await SupervisedServer.start(ledgerServer({ port, file, dialect }));
    await using proxy = await CuttingProxy.start(port);
    await using scenario = await connected(`http://127.0.0.1:${proxy.port}/mcp`, {
      recovery: { initialDelayMs: 20, maxDelayMs: 100, budget: 1000 },
      patienceMs: 60_000,
    });
    await scenario.client.listTools();
    const arena = { server, proxy, scenario, random, port };
    const outcomes = await callThrough(arena, options, dialect);
    return report(outcomes, file, scenario);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Arena {
  readonly server: SupervisedServer;
  readonly proxy: CuttingProxy;
  readonly scenario: Connected;
  readonly random: Seeded;
  readonly port: number;
}

interface Outcomes {
  /** What came of each entry: its answer, the code of its error, or the words of an error without one. */
  readonly byEntry: Map<string, string>;
  readonly faults: Record<string, number>;
  /** How long each answered call took, in ms. */
  readonly answeredInMs: number[];
}

async function callThrough(arena: Arena, options: ChaosOptions, dialect: string): Promise<Outcomes> {
  const outcomes: Outcomes = { byEntry: new Map(), faults: {}, answeredInMs: [] };
  let begun = 0;
  let nextFaultAt = arena.random.between(20, 100);
  let striking = Promise.resolve();
  const caller = async () => {
    while (begun < options.calls) {
      const entry = `${dialect} ${++begun}`;
      if (begun >= nextFaultAt) {
        nextFaultAt = begun + arena.random.between(50, 250);
        const name = arena.random.pick(faults);
        outcomes.faults[name] = (outcomes.faults[name] ?? 0) + 1;
        striking = striking.then(() => strike(arena, name));
      }
      // One call in ten only reads; it is never ambiguous, so it must always be answered.
      const isRead = begun % 10 === 0;
      const sentAt = performance.now();
      const answer = await callWith(arena.scenario, isRead ? 'has' : 'append', entry);
      if (answer === 'answered') outcomes.answeredInMs.push(performance.now() - sentAt);
      outcomes.byEntry.set(isRead ? `read ${entry}` : entry, answer);
      const settled = outcomes.byEntry.size;
      if (settled % 1000 === 0) options.tell?.(`${dialect}: ${settled} of ${options.calls} calls settled`);
    }
  };
  await Promise.all(Array.from({ length: options.inFlight }, caller));
  await striking;
  return outcomes;
}

async function callWith({ client }: Connected, name: string, entry: string): Promise<string> {
  try {
    await client.callTool({ name, arguments: { entry } }, undefined, { timeout: 120_000 });
    return 'answered';
  } catch (error) {
    const { code } = error as { code?: unknown };
    return typeof code === 'string' ? code : `lost: ${String(error)}`;
  }
}

async function strike({ server, proxy, scenario, random, port }: Arena, name: FaultName): Promise<void> {
  switch (name) {
    case 'kill':
      return server.restart();
    case 'kill and stay away':
      await server.kill();
      await pause(random.between(10, 400));
      return server.start();
    case 'freeze':
      server.freeze();
      await pause(random.between(10, 300));
      return server.thaw();
    case 'cut all':
      return proxy.cut(() => true);
    case 'cut some':
      return proxy.cut(() => random.next() < 0.5);
    case 'end the session': {
      const { sessionId } = scenario.transport;
      const headers = sessionId === undefined ? {} : { 'mcp-session-id': sessionId };
      await fetch(`http://127.0.0.1:${port}/mcp`, { method: 'DELETE', headers }).catch(() => {});
    }
  }
}

function report(
  { byEntry, faults: struck, answeredInMs }: Outcomes,
  file: string,
  scenario: Connected,
): ChaosReport {
  const runs = new Map<string, number>();
  for (const { entry } of readLedger(file)) runs.set(entry, (runs.get(entry) ?? 0) + 1);
  const failed: Record<string, number> = {};
  const lost: string[] = [];
  const untrue: string[] = [];
  let answered = 0;
  for (const [entry, outcome] of byEntry) {
    if (outcome === 'answered') answered++;
    else if (outcome.startsWith('lost')) lost.push(`${entry}: ${outcome}`);
    else failed[outcome] = (failed[outcome] ?? 0) + 1;
    if (entry.startsWith('read ')) continue;
    const ran = runs.get(entry) ?? 0;
    const mustHaveRun = outcome === 'answered';
    const mayHaveRun = mustHaveRun || outcome === 'OUTCOME_UNKNOWN' || outcome.startsWith('lost');
    if ((mustHaveRun && ran === 0) || (!mayHaveRun && ran > 0))
      untrue.push(`${entry}: ${outcome}, ran ${ran} times`);
  }
  return {
    calls: byEntry.size,
    answered,
    answeredInMs,
    failed,
    lost,
    runTwice: [...runs].filter(([, count]) => count > 1).map(([entry]) => entry),
    untrue,
    faults: struck,
    sessions: scenario.transport.snapshot().generation,
  };
}

function added(
  one: Readonly<Record<string, number>>,
  other: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum = { ...one };
  for (const [key, count] of Object.entries(other)) sum[key] = (sum[key] ?? 0) + count;
  return sum;
}
