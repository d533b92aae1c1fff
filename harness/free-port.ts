import { createServer } from 'node:net';

const FIRST = 20_000;
const LAST = 29_999;
const ATTEMPTS = 50;

/**
 * A loopback port on which nothing listens now, between 20,000 and 29,999.
 *
 * The range lies below the one from which Linux, macOS and Windows take the local ports of outgoing connections. A port
 * of that range would be a trap for a server that is stopped and started again: while nobody listens, some
 * connection can be given the very port, so that the restart fails, and a client that knocks on a closed port can
 * even meet itself (a TCP self-connect) instead of being refused.
 *
 * @throws Error when 50 ports drawn at random were all taken.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (await isFree(port, host)) return port;
  }
  throw new Error(`no free port on ${host}: ${ATTEMPTS} ports between ${FIRST} and ${LAST} were all taken`);
}

/** True when a server can listen on the port now. */
export function isFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
