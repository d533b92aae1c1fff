import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Listens on a free loopback port; gives the address of the MCP endpoint. */
export async function listening(listener: RequestListener): Promise<string> {
  // A connection rests while the others are measured, longer than the 5 s after which Node.js would close it.
  const http = createServer({ keepAliveTimeout: 120_000 }, listener);
  await once(http.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
}

/** What the heap holds after everything that can go has gone, in bytes. Needs `--expose-gc`. */
export async function heapInUse(): Promise<number> {
  const { gc } = globalThis;
  if (!gc) throw new Error('the heap is measured with --expose-gc');
  // What finalizers and timers let go of can be collected only after they have run.
  for (let turn = 0; turn < 4; turn++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
}
