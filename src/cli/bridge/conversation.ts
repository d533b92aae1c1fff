import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { ClientSession } from '../../hub/clients/client-session.ts';
import type { RelayUpstream } from '../../hub/server-definition.ts';
import { isRequest, isResponse, type RequestId } from '../../protocol/message.ts';

/** Writes one message to the client; resolves when that is done. */
export type Write = (message: object) => Promise<void>;

/** The client's side of one connection to the server, from one handshake on. To its relay it is the downstream. */
export class Conversation implements Transport {
  /** Called when the handshake has failed: nothing more will come of this one. */
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: <T extends JSONRPCMessage>(message: T) => void;
  readonly #session: ClientSession;
  readonly #write: Write;
  #handshake: { readonly id: RequestId; readonly answered: () => void } | undefined;
  /** What the next message of the client waits for. */
  #ready: Promise<void>;

  /** @param upstream not started yet */
  constructor(upstream: RelayUpstream, write: Write, onClosed: () => void) {
    this.#write = write;
    this.onclose = onClosed;
    this.#session = new ClientSession(upstream);
    // What could not be started refuses what it is sent, and says why.
    this.#ready = this.#session.connect(this).catch(() => {});
  }

  /** Whether the client has begun its handshake. */
  get isGreeted(): boolean {
    return this.#handshake !== undefined;
  }

  /** Passes a message of the client on: what follows `initialize`, not before that is answered. */
  take(message: JSONRPCMessage): void {
    const ready = this.#ready;
    if (isRequest(message) && message.method === 'initialize') this.#ready = this.#greet(message.id);
    void ready.then(() => this.onmessage?.(message));
  }

  async start(): Promise<void> {}

  async send(message: JSONRPCMessage): Promise<void> {
    await this.#write(message);
    const handshake = this.#handshake;
    if (handshake && isResponse(message) && message.id === handshake.id) handshake.answered();
  }

  /** For the relay. {@link end} is for the owner. */
  async close(): Promise<void> {
    this.onclose?.();
  }

  /** Resolves when every request of the client has its answer, and everything else that it said was taken. */
  async atRest(): Promise<void> {
    await this.#ready;
    await this.#session.atRest();
  }

  /** Ends the connection and its session. Requests in progress are answered with `CONNECTION_CLOSED`. */
  end(): Promise<void> {
    return this.#session.close();
  }

  #greet(id: RequestId): Promise<void> {
    return new Promise((answered) => {
      this.#handshake = { id, answered };
    });
  }
}
