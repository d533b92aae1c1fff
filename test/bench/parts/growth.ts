import type { Comparison, Contender } from '../harness.ts';
import type { Part } from '../part.ts';
import { Program } from '../program.ts';
import type { CallerProgram } from '../programs/caller.ts';
import type { LoadProgram } from '../programs/load.ts';
import type { PromptServer } from '../programs/prompt-server.ts';

const IN_FLIGHT = [1, 32, 256, 1024];
const BYTES = [100, 10_000, 100_000, 1_000_000, 4_194_304];
const MESSAGES = [1000, 10_000, 100_000];
const SESSIONS = [1, 100, 10_000];
/** Calls that fill a journal of the default length several times over. */
const JOURNAL_FULL = { count: 12_000, inFlight: 32 };
/** Opening ten thousand sessions takes its time, in ms. */
const LIMIT_MS = 300_000;

const clients = { sdk: "the SDK's transport", resilient: 'ResilientTransport' } as const;
type Client = keyof typeof clients;
type Callers = Readonly<Record<Client, Program<CallerProgram>>>;

/** What a call costs when there is more of something: each line of a plot is one contender over the sizes. */
export async function growthPart(): Promise<Part> {
  await using starting = new AsyncDisposableStack();
  const server = starting.use(await Program.start<PromptServer>('prompt-server'));
  const url = await server.ask('url');
  const caller = async (kind: Client) => {
    const program = await Program.start<CallerProgram>('caller', { args: [kind, url], limitMs: LIMIT_MS });
    await program.ask('calls', JOURNAL_FULL);
    return starting.use(program);
  };
  const callers: Callers = { sdk: await caller('sdk'), resilient: await caller('resilient') };
  const comparisons = [
    ...IN_FLIGHT.map((inFlight) => inFlightComparison(callers, inFlight)),
    ...BYTES.map((bytes) => sizeComparison(callers, bytes)),
    ...MESSAGES.map((messages) => streamComparison(callers, messages)),
    ...(await sessionComparisons(starting)),
  ];
  const running = starting.move();
  return { comparisons, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function contendersOf(
  callers: Callers,
  measure: (caller: Program<CallerProgram>) => ReturnType<Contender['measure']>,
): readonly Contender[] {
  const kinds: readonly Client[] = ['sdk', 'resilient'];
  return kinds.map((kind) => ({ name: clients[kind], measure: () => measure(callers[kind]) }));
}

function inFlightComparison(callers: Callers, inFlight: number): Comparison {
  const count = Math.max(100, inFlight);
  return {
    title: `Growth: calls in flight: ${inFlight}`,
    plot: { subject: 'Growth: calls in flight', at: inFlight },
    figures: [{ name: 'each', words: 'time of all, for each call', unit: 'ms', better: 'lower' }],
    contenders: contendersOf(callers, async (caller) => {
      const { perSecond } = await caller.ask('calls', { count, inFlight });
      return { each: 1000 / perSecond };
    }),
  };
}

function sizeComparison(callers: Callers, bytes: number): Comparison {
  const count = bytes > 500_000 ? 4 : 40;
  return {
    title: `Growth: size of a message: ${bytes.toLocaleString('en')} bytes there and back`,
    plot: { subject: 'Growth: size of a message', at: bytes },
    figures: [{ name: 'p50', words: 'p50 of a call', unit: 'ms', better: 'lower' }],
    contenders: contendersOf(callers, (caller) => caller.ask('sized', { bytes, count, inFlight: 1 })),
  };
}

function streamComparison(callers: Callers, messages: number): Comparison {
  return {
    title: `Growth: messages of one event stream: ${messages.toLocaleString('en')}`,
    plot: { subject: 'Growth: messages of one event stream', at: messages },
    figures: [{ name: 'each', words: 'time for each message', unit: 'µs', better: 'lower' }],
    contenders: contendersOf(callers, async (caller) => ({ each: await caller.ask('stream', messages) })),
  };
}

/** Servers that hold many sessions, with as many calls in flight as there are sessions, at most 32. */
async function sessionComparisons(starting: AsyncDisposableStack): Promise<readonly Comparison[]> {
  const load = starting.use(await Program.start<LoadProgram>('load', { limitMs: LIMIT_MS }));
  const servers = {
    "SDK's Map of transports": await opened(starting, load, 'map-server', ['node']),
    SessionManager: await opened(starting, load, 'manager-server', []),
  };
  return SESSIONS.map((sessions) => ({
    title: `Growth: sessions of a server: ${sessions.toLocaleString('en')}`,
    plot: { subject: 'Growth: sessions of a server', at: sessions },
    figures: [{ name: 'each', words: 'time of all, for each request', unit: 'ms', better: 'lower' }],
    contenders: Object.entries(servers).map(([name, { url, ids }]) => ({
      name,
      async measure() {
        const inFlight = Math.min(32, sessions);
        // Spread over all of them, so that those which rest are met as well.
        const spread = spreadOver(ids.slice(0, sessions), inFlight);
        const { perSecond } = await load.ask('calls', { url, ids: spread, count: 300, inFlight });
        return { each: 1000 / perSecond };
      },
    })),
  }));
}

let turn = 0;

function spreadOver(ids: readonly string[], count: number): readonly string[] {
  turn += count;
  return Array.from({ length: count }, (_, index) => ids[(turn + index) % ids.length] ?? '');
}

async function opened(
  starting: AsyncDisposableStack,
  load: Program<LoadProgram>,
  name: 'map-server' | 'manager-server',
  args: readonly string[],
): Promise<{ readonly url: string; readonly ids: readonly string[] }> {
  const server = starting.use(await Program.start<PromptServer>(name, { args }));
  const url = await server.ask('url');
  const { ids } = await load.ask('open', { url, count: Math.max(...SESSIONS), inFlight: 8 });
  return { url, ids };
}
