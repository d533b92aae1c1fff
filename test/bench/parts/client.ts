import { type Comparison, type Contender, quantile } from '../harness.ts';
import type { Part } from '../part.ts';
import { Program } from '../program.ts';
import type { CallerKind, CallerProgram } from '../programs/caller.ts';
import type { MapServer } from '../programs/map-server.ts';
import type { PromptServer } from '../programs/prompt-server.ts';

/** Calls of one round, at 1 in flight and at 32. Many short rounds tell more than few long ones: each has its own ratio. */
const ONE_BY_ONE = { count: 100, inFlight: 1 };
const MANY = { count: 320, inFlight: 32 };
/** Lost sessions of one round. */
const LOSSES = 5;

type Kind = Exclude<CallerKind, 'stdio'>;

const names: Readonly<Record<Kind, string>> = {
  sdk: "SDK Client, the SDK's transport",
  resilient: 'SDK Client, ResilientTransport',
  memory: 'SDK Client, a transport in memory',
  fetch: 'fetch by hand',
  agent: 'node:http agent by hand',
  pool: 'undici pool by hand',
};
const kinds = Object.keys(names) as Kind[];

type Callers = ReadonlyMap<Kind, Program<CallerProgram>>;

/**
 * Clients of one server, each in a process of its own. The server that the SDK's documentation shows has its own share
 * in the time of each call, so the same is measured at one that takes next to none.
 */
export async function clientPart(): Promise<Part> {
  await using starting = new AsyncDisposableStack();
  const sdkServer = starting.use(await Program.start<MapServer>('map-server'));
  const promptServer = starting.use(await Program.start<PromptServer>('prompt-server'));
  const callersOf = async (url: string) => {
    const callers = new Map<Kind, Program<CallerProgram>>();
    for (const kind of kinds) {
      callers.set(kind, starting.use(await Program.start<CallerProgram>('caller', { args: [kind, url] })));
    }
    return callers;
  };
  const atSdkServer = await callersOf(await sdkServer.ask('url'));
  const atPromptServer = await callersOf(await promptServer.ask('url'));
  const forget = () => sdkServer.ask('forget');
  const comparisons = [
    ...callComparisons("the SDK's server", atSdkServer),
    ...callComparisons('a server that costs little', atPromptServer),
    recoveryComparison(atSdkServer, forget),
  ];
  const running = starting.move();
  return { comparisons, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function callComparisons(server: string, callers: Callers): readonly Comparison[] {
  const latency = { unit: 'ms', better: 'lower' } as const;
  const cpu = { name: 'cpu', words: "the client's processor time for a call", ...latency };
  return [
    {
      title: `Client: one call at a time, ${server}`,
      figures: [
        { name: 'p50', words: 'p50 of a call', ...latency },
        { name: 'p95', words: 'p95 of a call', ...latency },
        cpu,
      ],
      contenders: contendersOf(callers, (caller) => caller.ask('calls', ONE_BY_ONE)),
    },
    {
      title: `Client: ${MANY.inFlight} calls in flight, ${server}`,
      figures: [{ name: 'perSecond', words: 'calls per second', unit: '/s', better: 'higher' }, cpu],
      contenders: contendersOf(callers, (caller) => caller.ask('calls', MANY)),
    },
  ];
}

function recoveryComparison(callers: Callers, forget: () => Promise<void>): Comparison {
  const recover = async (caller: Program<CallerProgram>) => {
    const times: number[] = [];
    while (times.length < LOSSES) {
      await forget();
      times.push(await caller.ask('recover'));
    }
    return { p50: quantile(times, 0.5) };
  };
  const words = {
    sdk: 'new SDK Client: connect, call',
    resilient: 'ResilientTransport: refused call, recovery, call',
    fetch: 'fetch by hand: initialize, initialized, call',
    agent: 'node:http agent by hand: initialize, initialized, call',
    pool: 'undici pool by hand: initialize, initialized, call',
  };
  const figure = { name: 'p50', unit: 'ms', better: 'lower' } as const;
  return {
    title: 'Client: a lost session',
    figures: [
      { ...figure, words: 'from the call to its answer' },
      { ...figure, words: 'the same, to what can be done by hand', baseline: words.agent },
    ],
    contenders: contendersOf(callers, recover, words),
  };
}

function contendersOf(
  callers: Callers,
  measure: (caller: Program<CallerProgram>) => ReturnType<Contender['measure']>,
  words: Readonly<Partial<Record<Kind, string>>> = names,
): Comparison['contenders'] {
  return [...callers].flatMap(([kind, caller]) => {
    const name = words[kind];
    return name === undefined ? [] : [{ name, measure: () => measure(caller) }];
  });
}
