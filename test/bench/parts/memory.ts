import type { Part } from '../part.ts';
import { Program } from '../program.ts';
import type { CallerProgram } from '../programs/caller.ts';
import type { PromptServer } from '../programs/prompt-server.ts';

const CALLS = { count: 100_000, inFlight: 32 };
/** So many calls take minutes on a slow machine, in ms. */
const LIMIT_MS = 600_000;

const contenders = [
  { name: "SDK Client, the SDK's transport", kind: 'sdk' },
  { name: 'SDK Client, ResilientTransport', kind: 'resilient' },
] as const;

/** What a client holds after very many calls, in a process of its own. */
export async function memoryPart(): Promise<Part> {
  const server = await Program.start<PromptServer>('prompt-server');
  const url = await server.ask('url');
  const measure = async (kind: string) => {
    await using caller = await Program.start<CallerProgram>('caller', {
      args: [kind, url],
      limitMs: LIMIT_MS,
    });
    await caller.ask('calls', CALLS);
    return { memory: await caller.ask('memory') };
  };
  const comparison = {
    title: `Memory: a client after ${CALLS.count.toLocaleString('en')} calls`,
    startsAfresh: true,
    figures: [{ name: 'memory', words: 'resident memory', unit: 'MiB', better: 'lower' as const }],
    contenders: contenders.map(({ name, kind }) => ({ name, measure: () => measure(kind) })),
  };
  return { comparisons: [comparison], [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
