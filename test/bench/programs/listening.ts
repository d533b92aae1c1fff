import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { moment } from './timed.ts';

/** A server that can leave its port, and come back to it. */
interface Restartable {
  /** The address of the MCP endpoint. */
  readonly url: string;
  /** Closes the port, and every connection. */
  leave(): Promise<void>;
  /** Listens there again; gives the moment at which it did ({@link moment}). */
  comeBack(): Promise<number>;
}

/** Listens on a free loopback port. */
export async function restartable(listener: RequestListener): Promise<Restartable> {
  // A connection rests while the others are measured, longer than the 5 s after which Node.js would close it.
  const http = createServer({ keepAliveTimeout: 120_000 }, listener);
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async leave() {
      const closed = once(http, 'close');
      http.close();
      http.closeAllConnections();
      await closed;
    },
    async comeBack() {
      await once(http.listen(port, '127.0.0.1'), 'listening');
      return moment();
    },
  };
}

/** Listens on a free loopback port; gives the address of the MCP endpoint. */
export async function listening(listener: RequestListener): Promise<string> {
  return (await restartable(listener)).url;
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
