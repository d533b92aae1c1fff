import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../../../base/environment.ts';
import { NotConnectedError } from '../network-error.ts';

/** How long a connection may take to be made, in ms; as long as the platform's `fetch` gives it. */
export const CONNECT_LIMIT_MS = 10_000;

/** What is known of a request whose connection is being made for it: until there is one, it can't have been sent. */
export class Connecting {
  #isMade = false;
  readonly #stop: () => void;

  constructor(outgoing: ClientRequest, clock: Clock) {
    const giveUp = () => outgoing.destroy(new NotConnectedError(noAnswer, { code: 'ETIMEDOUT' }));
    this.#stop = clock.after(CONNECT_LIMIT_MS, giveUp, { background: true });
    outgoing.once('socket', (socket) => this.#follow(socket));
  }

  /** What an error of the request is, as long as the connection has not been made. */
  failure(error: Error): Error {
    return this.#isMade || error instanceof NotConnectedError ? error : NotConnectedError.of(error);
  }

  /** A proxy that lets nobody through to an https address answers in the place of its server. */
  refusal(protocol: string, { socket, statusCode, statusMessage }: IncomingMessage): Error | undefined {
    if (protocol !== 'https:' || isEncrypted(socket)) return undefined;
    return new NotConnectedError(`the proxy let nobody through: ${statusCode} ${statusMessage}`, {
      code: 'ERR_PROXY_TUNNEL',
    });
  }

  end(): void {
    this.#stop();
  }

  #follow(socket: Socket): void {
    const { secureConnecting = false } = socket as { secureConnecting?: boolean };
    if (socket.connecting || secureConnecting) {
      socket.once(isEncrypted(socket) ? 'secureConnect' : 'connect', () => this.#made());
    } else this.#made();
  }

  #made(): void {
    this.#isMade = true;
    this.#stop();
  }
}

export const noAnswer = `no connection within ${CONNECT_LIMIT_MS} ms`;

function isEncrypted(socket: Socket): boolean {
  return (socket as Partial<TLSSocket>).encrypted === true;
}
