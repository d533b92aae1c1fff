/**
 * `npm run test:soak -- [--recoveries 10000]`: one connection through thousands of lost sessions, and what stays in
 * memory. Exit code 0 only if the heap after the last tenth is within a tenth, and 2 MiB, of the heap after the second.
 * The server runs in a process of its own, so that its memory is not counted.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { connected } from '../support/connected.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

const SERVER = 'server';

if (process.argv[2] === SERVER) await serve();
else await soak();

/** The server's process: forgets its sessions when it is told to. */
async function serve(): Promise<void> {
  const server = await ScriptedServer.start();
  process.on('message', () => {
    server.forgetSessions('404-json');
    process.send?.('forgotten');
  });
  process.once('disconnect', () => process.exit());
  process.send?.(server.url);
}

async function soak(): Promise<void> {
  const { values } = parseArgs({ options: { recoveries: { type: 'string', default: '10000' } } });
  const recoveries = Number(values.recoveries);
  if (!Number.isInteger(recoveries) || recoveries < 20) {
    console.error(`test:soak: --recoveries is a whole number from 20 on, not "${values.recoveries}"`);
    process.exit(2);
  }
  const server = fork(import.meta.filename, [SERVER]);
  const [url] = (await once(server, 'message')) as [string];
  const scenario = await connected(url, { recovery: { budget: Number.MAX_SAFE_INTEGER } });
  const heaps: number[] = [];
  for (let done = 1; done <= recoveries; done++) {
    server.send('forget');
    await once(server, 'message');
    const answer = await scenario.call('count', String(done));
    if (answer !== `ran ${done}`) throw new Error(`recovery ${done}: ${answer}`);
    if (done % (recoveries / 10) < 1) heaps.push(report(done));
  }
  const { generation } = scenario.transport.snapshot();
  await scenario.client.close();
  server.disconnect();
  const [, settled = 0] = heaps;
  const last = heaps.at(-1) ?? 0;
  const isFlat = last - settled < Math.max(settled / 10, 2 * 2 ** 20);
  console.log(`recoveries ${recoveries}, sessions ${generation}, heap ${isFlat ? 'flat' : 'GROWING'}`);
  process.exitCode = isFlat ? 0 : 1;
}

function report(done: number): number {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  console.log(`${done} recoveries: heap ${mebibytes(heapUsed)} MiB, resident ${mebibytes(rss)} MiB`);
  return heapUsed;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
