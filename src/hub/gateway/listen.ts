import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sleep } from '../../base/environment.ts';
import { describeError, ResilientMcpError } from '../../protocol/errors.ts';
import { OpenConnections, type OpenConnectionsOptions } from './open-connections.ts';

/**
 * Idle limit of a connection, in ms. Longer than the clients' own limits (httpx 5 s, Go and reqwest 90 s), so
 * that the client closes first: a call sent on a connection being closed here would be lost.
 */
const KEEP_ALIVE_MS = 10 * 60_000;
/** Length of the accept queue. One client's burst of calls may need more than the default of 511. */
const BACKLOG = 4096;
/** Time for `close` to send the last answers, in ms. */
const CLOSE_MS = 500;

export interface ListenOptions extends OpenConnectionsOptions {
  readonly port: number;
  readonly maxHeaderBytes: number;
  readonly requestTimeoutMs: number;
}

export interface BoundSocket {
  readonly port: number;
  /** Destroys every connection authenticated with the lasting token. */
  breakOff(): void;
  /** Stops listening and ends every connection, within half a second. */
  close(): Promise<void>;
}

/**
 * Listens on 127.0.0.1 only.
 * @throws ResilientMcpError `PORT_TAKEN`, or `INVALID_CONFIGURATION` for a port unusable for another reason
 */
export async function listen(listener: RequestListener, options: ListenOptions): Promise<BoundSocket> {
  const connections = new OpenConnections(options);
  const { port: wanted, maxHeaderBytes, requestTimeoutMs, clock } = options;
  const limits = {
    maxHeaderSize: maxHeaderBytes,
    requestTimeout: requestTimeoutMs,
    // The head is part of the request. Node.js checks both limits only at intervals.
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
