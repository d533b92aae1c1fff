import { connect, type Socket } from 'node:net';
import type { Clock } from '../../base/environment.ts';
import { NotConnectedError } from '../../client/wire/http/network-error.ts';
import { isProof, newNonce, PROOF_HEADER, PROOF_PATH, proofOf } from './proof.ts';

/** How long the other side has to prove itself, connection included, in ms. */
const PROOF_LIMIT_MS = 10_000;
/** The longest answer that is read, in bytes. */
const MAX_ANSWER_BYTES = 4096;

export interface ProvenConnectionOptions {
  /** On 127.0.0.1. */
  readonly port: number;
  /** What this side and the gateway both have. */
  readonly key: string;
  readonly clock: Clock;
  /** Default 10,000. */
  readonly limitMs?: number;
}

/**
 * A connection to a gateway that has proved on it to have the key: whatever is sent on it goes to that gateway alone. It
 * is proved for each connection, since a port may change hands between two of them.
 * @throws NotConnectedError when nobody is there, or a stranger
 */
export function provenConnection(options: ProvenConnectionOptions): Promise<Socket> {
  const { port, key, clock, limitMs = PROOF_LIMIT_MS } = options;
  const nonce = newNonce();
  const expected = proofOf(key, nonce, port);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    let answer = '';
    const refuse = (error: NotConnectedError) => {
      settle();
      socket.destroy();
      reject(error);
    };
    const failed = (error: Error) => refuse(NotConnectedError.of(error));
    const strange = () => refuse(new NotConnectedError(stranger, { code: undefined }));
    const read = () => {
      // Not by `data`: whoever reads next finds the socket as it was made.
      for (let chunk = socket.read(); chunk !== null; chunk = socket.read())
        answer += chunk.toString('latin1');
      if (answer.length > MAX_ANSWER_BYTES) strange();
      else if (answer.includes('\r\n\r\n')) {
        if (!isProof(proofIn(answer), expected)) return strange();
        settle();
        resolve(socket);
      }
    };
    const stop = clock.after(limitMs, strange, { background: true });
    const settle = () => {
      stop();
      socket.off('readable', read).off('error', failed).off('close', strange);
    };
    socket.on('readable', read).on('error', failed).on('close', strange);
    socket.write(`GET ${PROOF_PATH}?nonce=${nonce} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  });
}

const stranger = 'somebody else listens on the port of the gateway';

/** The proof in an answer that is nothing but its head; empty where there is none. */
function proofIn(answer: string): string {
  if (!answer.startsWith('HTTP/1.1 204 ') || !answer.endsWith('\r\n\r\n')) return '';
  return new RegExp(`\r\n${PROOF_HEADER}: (\\S+)\r\n`, 'i').exec(answer)?.[1] ?? '';
}
