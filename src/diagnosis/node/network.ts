import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { NetworkEdge, Secured } from '../network.ts';

/** The network as Node.js sees it. */
export const nodeNetwork: NetworkEdge = {
  resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),

  connect: (host, port, signal) =>
    new Promise((resolve, reject) => {
      const socket = connectTcp({ host, port });
      const abort = () => socket.destroy(new Error('it took too long'));
      signal.addEventListener('abort', abort, { once: true });
      socket.once('connect', () => {
        resolve();
        socket.destroy();
      });
      socket.once('error', reject);
      socket.once('close', () => signal.removeEventListener('abort', abort));
    }),

  secure: (host, port, signal) =>
    new Promise((resolve, reject) => {
      // Accepted, so that what is wrong with a certificate can be said; not a byte of the request goes over it.
      const name = isIP(host) === 0 ? { servername: host } : {};
      const socket = connectTls({
        host,
        port,
        ...name,
        rejectUnauthorized: false,
        ALPNProtocols: ['http/1.1'],
      });
      const abort = () => socket.destroy(new Error('it took too long'));
      signal.addEventListener('abort', abort, { once: true });
      socket.once('secureConnect', () => {
        resolve(securedBy(socket));
        socket.destroy();
      });
      socket.once('error', reject);
      socket.once('close', () => signal.removeEventListener('abort', abort));
    }),
};

function securedBy(socket: TLSSocket): Secured {
  const { subject, issuer, valid_to: validTo } = socket.getPeerCertificate();
  const error: unknown = socket.authorizationError;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : error;
  return {
    protocol: socket.getProtocol() ?? 'TLS',
    subject: nameOf(subject),
    issuer: nameOf(issuer),
    validUntil: Date.parse(validTo),
    fault: socket.authorized ? undefined : String(code ?? 'unknown'),
  };
}

function nameOf(bearer: PeerCertificate['subject'] | undefined): string {
  const name = bearer?.CN ?? bearer?.O;
  return (Array.isArray(name) ? name[0] : name) ?? 'no name';
}
