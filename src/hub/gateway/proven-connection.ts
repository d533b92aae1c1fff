import { connect, type Socket } from 'node:net';
import type { Clock } from '../../base/environment.ts';
import { NotConnectedError } from '../../client/wire/http/network-error.ts';
import { isProof, newNonce, PROOF_HEADER, PROOF_PATH, proofOf } from './proof.ts';

/** Time limit of the proof, including the connection, in ms. */
const PROOF_LIMIT_MS = 10_000;
/** Limit of the answer, in bytes. */
const MAX_ANSWER_BYTES = 4096;

export interface ProvenConnectionOptions {
  /** On 127.0.0.1. */
  readonly port: number;
  /** The key shared with the gateway. */
  readonly key: string;
  readonly clock: Clock;
  /** Default 10,000. */
  readonly limitMs?: number;
}

/**
 * A connection on which the gateway has proved that it has the key. Each connection is proved separately,
 * because a port may change hands between two connections.
 * @throws NotConnectedError when nothing listens there, or another program
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
      // Not by `data` events: the next reader must get the socket as it was created.
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

/** The proof in an answer without a body; empty when there is none. */
function proofIn(answer: string): string {
  if (!answer.startsWith('HTTP/1.1 204 ') || !answer.endsWith('\r\n\r\n')) return '';
  return new RegExp(`\r\n${PROOF_HEADER}: (\\S+)\r\n`, 'i').exec(answer)?.[1] ?? '';
}
