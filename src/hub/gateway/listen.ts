import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sleep } from '../../base/environment.ts';
import { describeError, ResilientMcpError } from '../../protocol/errors.ts';
import { OpenConnections, type OpenConnectionsOptions } from './open-connections.ts';

/**
 * How long an idle connection is kept, in ms. Longer than clients keep theirs (httpx 5 s, Go and reqwest 90 s), so that
 * it is the client who closes: a call sent on a connection that is being closed here would be lost.
 */
const KEEP_ALIVE_MS = 10 * 60_000;
/** How many connections may wait to be let in. The default of 511 is less than a burst of one client's calls may need. */
const BACKLOG = 4096;
/** How long `close` waits until the last answers are sent, in ms. */
const CLOSE_MS = 500;

export interface ListenOptions extends OpenConnectionsOptions {
  readonly port: number;
  readonly maxHeaderBytes: number;
  readonly requestTimeoutMs: number;
}

export interface BoundSocket {
  readonly port: number;
  /** Ends every connection that has shown the token that clients keep. */
  breakOff(): void;
  /** Stops listening and ends every connection, at the latest after half a second. */
  close(): Promise<void>;
}

/**
 * Listens on 127.0.0.1 and nowhere else.
 * @throws ResilientMcpError `PORT_TAKEN`, or `INVALID_CONFIGURATION` for a port that is not to be had for another reason
 */
export async function listen(listener: RequestListener, options: ListenOptions): Promise<BoundSocket> {
  const connections = new OpenConnections(options);
  const { port: wanted, maxHeaderBytes, requestTimeoutMs, clock } = options;
  const limits = {
    maxHeaderSize: maxHeaderBytes,
    requestTimeout: requestTimeoutMs,
    // Its head is a part of a request. Node.js looks for late ones only now and then.
    headersTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(requestTimeoutMs, 30_000),
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
  const server = createServer(limits, (request, response) => {
    if (connections.asked(request, response)) listener(request, response);
  });
  server.on('connection', (socket) => connections.add(socket));
  try {
    const where = { port: wanted, host: '127.0.0.1', exclusive: true, backlog: BACKLOG };
    await once(server.listen(where), 'listening');
  } catch (cause) {
    const isTaken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
    throw new ResilientMcpError(
      isTaken ? 'PORT_TAKEN' : 'INVALID_CONFIGURATION',
      `The gateway cannot listen on port ${wanted} of 127.0.0.1: ${describeError(cause)}`,
      { cause, advice: 'Give it another port, or 0 for one that is free.' },
    );
  }
  const { port } = server.address() as AddressInfo;
  return {
    port,
    breakOff: () => connections.breakOff(),
    async close() {
      server.close();
      const sent = new AbortController();
      void connections.sent().then(() => sent.abort());
      await sleep(clock, CLOSE_MS, sent.signal);
      server.closeAllConnections();
      connections.close();
    },
  };
}
