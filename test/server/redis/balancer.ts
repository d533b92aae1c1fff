import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SupervisedServer } from '../../../harness/supervised-server.ts';

/**
 * A plain balancer: each request goes to the next server in turn, and to the one after it when that one cannot be
 * reached. It knows nothing of MCP, and keeps no request of one client at one server.
 */
export interface Balancer extends AsyncDisposable {
  readonly url: string;
  /** Sends every request from now on to this server, or in turn again when undefined. */
  only(server: SupervisedServer | undefined): void;
}

export async function balance(servers: readonly SupervisedServer[]): Promise<Balancer> {
  let turn = 0;
  let pinned: SupervisedServer | undefined;
  const http = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    turn += 1;
    const order = pinned ? [pinned] : servers.map((_, at) => servers[(turn + at) % servers.length]);
    const attempt = (left: readonly (SupervisedServer | undefined)[]): void => {
      const [server, ...others] = left;
      if (!server) {
        outgoing.writeHead(502).end();
        return;
      }
      const { method, url, headers } = incoming;
      // A connection of its own for each: one that a killed server has left would be a failure of the balancer.
      const onward = send({ port: server.port, host: '127.0.0.1', method, path: url, headers, agent: false });
      let isAnswered = false;
      onward.once('response', (answer) => {
        isAnswered = true;
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        outgoing.flushHeaders();
        answer.pipe(outgoing);
        answer.once('error', () => outgoing.destroy());
      });
      onward.once('error', (error: NodeJS.ErrnoException) => {
        // Only what was never sent may be sent elsewhere.
        if (!isAnswered && error.code === 'ECONNREFUSED') attempt(others);
        else outgoing.destroy();
      });
      outgoing.once('close', () => onward.destroy());
      onward.end(body);
    };
    attempt(order);
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    only: (server) => {
      pinned = server;
    },
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      http.close();
    },
  };
}
