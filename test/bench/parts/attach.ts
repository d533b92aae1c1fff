import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchFolder } from '../../support/scratch.ts';
import type { Comparison, Contender } from '../harness.ts';
import type { Part } from '../part.ts';
import { Program } from '../program.ts';
import type { CallerProgram } from '../programs/caller.ts';
import type { GatewayProgram } from '../programs/gateway.ts';
import type { MapServer } from '../programs/map-server.ts';

const ONE_BY_ONE = { count: 100, inFlight: 1 };
const MANY = { count: 320, inFlight: 32 };
const WARM_UP = { count: 1000, inFlight: 8 };

const root = join(import.meta.dirname, '../../..');
const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'bench', version: '1.0.0' },
  },
};

/** The least that answers a line: what the others take over it is theirs. */
const BARE = "process.stdin.once('data', () => process.stdout.write('{}\\n'))";

/** A client at a server by `attach` and the gateway of a window, beside the ways that have one of the two, or none. */
export async function attachPart(): Promise<Part> {
  execFileSync(process.execPath, ['esbuild.mjs'], { cwd: root, stdio: 'ignore' });
  await using starting = new AsyncDisposableStack();
  const stem = starting.use(scratchFolder()).file('windows/bench');
  const server = starting.use(await Program.start<MapServer>('map-server'));
  const url = await server.ask('url');
  const gateway = starting.use(await Program.start<GatewayProgram>('gateway', { args: [url, stem] }));
  const attach = [join(root, 'dist/attach.js'), stem, 'echo'];
  const bridge = [join(root, 'dist/esm/cli/main.js'), 'bridge', url];
  const way = async (name: string, ...args: string[]) => {
    const caller = starting.use(await Program.start<CallerProgram>('caller', { args }));
    await caller.ask('calls', WARM_UP);
    return { name, caller };
  };
  const ways = [
    await way('directly', 'sdk', url),
    await way('through the gateway, over HTTP', 'sdk', await gateway.ask('url')),
    await way('through bridge, over stdio', 'stdio', process.execPath, ...bridge),
    await way('through attach and the gateway, over stdio', 'stdio', process.execPath, ...attach),
  ];
  const contenders = (load: typeof MANY): readonly Contender[] =>
    ways.map(({ name, caller }) => ({ name, measure: () => caller.ask('calls', load) }));
  const comparisons: Comparison[] = [
    {
      title: 'Attach: one call at a time, a plain SDK client',
      figures: [{ name: 'p50', words: 'p50 of a call', unit: 'ms', better: 'lower' }],
      contenders: contenders(ONE_BY_ONE),
    },
    {
      title: `Attach: ${MANY.inFlight} calls in flight, a plain SDK client`,
      figures: [{ name: 'perSecond', words: 'calls per second', unit: '/s', better: 'higher' }],
      contenders: contenders(MANY),
    },
    {
      title: 'Attach: its start, and what it holds then',
      figures: [
        { name: 'startMs', words: 'until initialize is answered', unit: 'ms', better: 'lower' },
        ...(process.platform === 'linux'
          ? [{ name: 'ownMb', words: 'memory of its own', unit: 'MB', better: 'lower' } as const]
          : []),
      ],
      contenders: [
        { name: 'Node.js alone', measure: () => started(['-e', BARE]) },
        { name: 'bridge', measure: () => started(bridge) },
        { name: 'attach', measure: () => started(attach) },
      ],
      startsAfresh: true,
    },
  ];
  const running = starting.move();
  return { comparisons, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** Starts a program, and waits for its answer to `initialize`. */
async function started(args: readonly string[]): Promise<{ startMs: number; ownMb: number }> {
  const begin = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.write(`${JSON.stringify(initialize)}\n`);
  await once(child.stdout, 'data');
  const startMs = performance.now() - begin;
  const ownMb = ownMemory(child.pid ?? 0);
  const gone = once(child, 'exit');
  child.kill();
  await gone;
  return { startMs, ownMb };
}

/** What no other process shares with it, in MB; not a number where the platform does not say. */
function ownMemory(pid: number): number {
  if (process.platform !== 'linux') return Number.NaN;
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const of = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(rollup)?.[1]);
  return (of('Private_Dirty') + of('Private_Clean')) / 1024;
}
