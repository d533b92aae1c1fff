import type { Knock } from '../../../../base/environment.ts';

/** How long a connection may take to be made, in ms: on one machine it is made or refused at once. */
const KNOCK_LIMIT_MS = 1000;

/**
 * A knock at the address of a server on this machine: a plain connection, which is closed at once. Where there is no
 * `node:net`, nobody is heard.
 */
export function knockAt({ protocol, hostname, port: given }: URL): Knock {
  // A literal of IPv6 stands in brackets in an address, and in none elsewhere.
  const host = hostname.replace(/^\[|\]$/g, '');
  const port = Number(given || (protocol === 'https:' ? 443 : 80));
  return async (signal) => {
    const net = await import('node:net').catch(() => undefined);
    if (!net || signal.aborted) return false;
    return new Promise((resolve) => {
      const socket = net.connect({ host, port, timeout: KNOCK_LIMIT_MS });
      const settle = (isHeard: boolean) => {
        signal.removeEventListener('abort', giveUp);
        socket.destroy();
        resolve(isHeard);
      };
      const giveUp = () => settle(false);
      signal.addEventListener('abort', giveUp, { once: true });
      socket
        .once('connect', () => settle(true))
        .once('error', giveUp)
        .once('timeout', giveUp);
    });
  };
}
