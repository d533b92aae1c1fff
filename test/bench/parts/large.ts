import { join } from 'node:path';
import type { Comparison } from '../harness.ts';
import type { Part } from '../part.ts';
import { Program } from '../program.ts';
import type { GatewayProgram } from '../programs/gateway.ts';
import type { LargeReader } from '../programs/large-reader.ts';
import type { LargeServer } from '../programs/large-server.ts';
import type { PipeProgram } from '../programs/pipe.ts';

const cli = join(import.meta.dirname, '../../../src/cli/main.ts');

const MEGABYTE = 1_000_000;
const SIZES = [
  { megabytes: 1, count: 20 },
  { megabytes: 10, count: 4 },
];

/** Large results through the gateway and the bridge, read by a client that only counts their bytes. */
export async function largePart(): Promise<Part> {
  await using starting = new AsyncDisposableStack();
  const server = starting.use(await Program.start<LargeServer>('large-server'));
  const url = await server.ask('url');
  const pipe = starting.use(await Program.start<PipeProgram>('pipe', { args: [url] }));
  const gateway = starting.use(await Program.start<GatewayProgram>('gateway', { args: [url] }));
  const way = async (name: string, ...args: string[]) => ({
    name,
    reader: starting.use(await Program.start<LargeReader>('large-reader', { args })),
  });
  const ways = [
    await way('directly', 'http', url),
    await way('through a proxy that pipes bytes', 'http', await pipe.ask('url')),
    await way('through the gateway', 'http', await gateway.ask('url')),
    await way('resilient-mcp bridge', 'stdio', process.execPath, cli, 'bridge', url),
  ];
  const comparisons = SIZES.flatMap(({ megabytes, count }) =>
    ['json', 'stream'].map((form): Comparison => {
      const load = { bytes: megabytes * MEGABYTE, count, form };
      return {
        title: `Results of ${megabytes} MB, as ${form === 'json' ? 'JSON' : 'one event of a stream'}`,
        figures: [{ name: 'p50', words: 'p50 of a call', unit: 'ms', better: 'lower' }],
        contenders: ways.map(({ name, reader }) => ({ name, measure: () => reader.ask('large', load) })),
      };
    }),
  );
  const running = starting.move();
  return { comparisons, [Symbol.asyncDispose]: () => running.disposeAsync() };
}
