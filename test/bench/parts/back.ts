import { setTimeout as sleep } from 'node:timers/promises';
import { type Comparison, quantile } from '../harness.ts';
import type { Part } from '../part.ts';
import { Program } from '../program.ts';
import type { MapServer } from '../programs/map-server.ts';
import type { WaitingCaller } from '../programs/waiting-caller.ts';

/** Outages of one round, and how long each is, in ms. */
const OUTAGES = [
  { awayMs: 2000, count: 8 },
  { awayMs: 10_000, count: 2 },
] as const;
/** So that no pause of anybody's is a divisor of the outage, in ms. */
const SPREAD_MS = 1000;

const contenders: readonly (readonly [name: string, args: readonly string[]])[] = [
  ['SDK Client, a loop by hand every 100 ms', ['loop', '100']],
  ['SDK Client, a loop by hand every second', ['loop', '1000']],
  ['SDK Client, ResilientTransport', ['resilient']],
];

type Callers = ReadonlyMap<string, Program<WaitingCaller>>;

/** How soon after its return a server of this machine has answered a call that was begun while it was away. */
export async function backPart(): Promise<Part> {
  await using starting = new AsyncDisposableStack();
  const server = starting.use(await Program.start<MapServer>('map-server', { args: ['node'] }));
  const url = await server.ask('url');
  const callers = new Map<string, Program<WaitingCaller>>();
  for (const [name, [kind = '', ...rest]] of contenders) {
    const args = [kind, url, ...rest];
    callers.set(name, starting.use(await Program.start<WaitingCaller>('waiting-caller', { args })));
  }
  const comparisons = OUTAGES.map(({ awayMs, count }) => backComparison(server, callers, awayMs, count));
  const running = starting.move();
  return { comparisons, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function backComparison(
  server: Program<MapServer>,
  callers: Callers,
  awayMs: number,
  count: number,
): Comparison {
  const figure = { unit: 'ms', better: 'lower' } as const;
  let found: Promise<ReadonlyMap<string, readonly number[]>> | undefined;
  let left = 0;
  // All wait in the same outages; whoever is measured first in a round brings them about.
  const times = async (name: string) => {
    if (left === 0) [found, left] = [outages(server, callers, awayMs, count), callers.size];
    left--;
    return (await found)?.get(name) ?? [];
  };
  return {
    title: `Back at once: a server that was away for ${awayMs / 1000} s`,
    figures: [
      { name: 'p50', words: `p50 of ${count} outages, from listening again to the first answer`, ...figure },
      { name: 'p95', words: 'p95, the same', ...figure },
    ],
    contenders: [...callers.keys()].map((name) => ({
      name,
      async measure() {
        const values = await times(name);
        return { p50: quantile(values, 0.5), p95: quantile(values, 0.95) };
      },
    })),
    startsAfresh: true,
  };
}

async function outages(
  server: Program<MapServer>,
  callers: Callers,
  awayMs: number,
  count: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const times = new Map<string, number[]>([...callers.keys()].map((name) => [name, []]));
  for (let outage = 0; outage < count; outage++) {
    // All have a session, and none is about to open one.
    for (const caller of callers.values()) await caller.ask('answer', 'before');
    await server.ask('leave');
    const answers = [...callers].map(([name, caller]) => ({ name, at: caller.ask('answer', 'after') }));
    await sleep(awayMs + Math.random() * SPREAD_MS);
    const back = await server.ask('comeBack');
    for (const { name, at } of answers) times.get(name)?.push((await at) - back);
  }
  return times;
}
