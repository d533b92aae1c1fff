import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { ResilientMcpError } from '../../protocol/errors.ts';
import { isRequest } from '../../protocol/message.ts';
import type { RelayUpstream } from '../server-definition.ts';

/** The session that a client shares. */
export interface SharedClientOwner {
  join(client: SharedClient): void;
  /** Takes a message of this client's. For a request: resolves when its answer was delivered, or it was cancelled. */
  take(client: SharedClient, message: JSONRPCMessage): Promise<void>;
  leave(client: SharedClient, keepSession: boolean): void;
}

/** One client of a shared session. To its relay it is a connection of its own. */
export class SharedClient implements RelayUpstream {
  onmessage?: NonNullable<RelayUpstream['onmessage']>;
  onstream?: NonNullable<RelayUpstream['onstream']>;
  /** What the client said in its `initialize` that it can be asked for. */
  capabilities: Readonly<Record<string, unknown>> = {};
  /** When it was last heard, as a running number of the session. */
  lastActive = 0;
  readonly #owner: SharedClientOwner;
  readonly #closed = Promise.withResolvers<never>();

  constructor(owner: SharedClientOwner) {
    this.#owner = owner;
    // Awaited only while a request is under way.
    this.#closed.promise.catch(() => {});
  }

  async start(): Promise<void> {
    this.#owner.join(this);
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const taken = this.#owner.take(this, message);
    await (isRequest(message) ? Promise.race([taken, this.#closed.promise]) : taken);
  }

  async close({ keepSession = false }: { readonly keepSession?: boolean } = {}): Promise<void> {
    this.#owner.leave(this, keepSession);
    const message = 'The connection was closed before the answer came.';
    this.#closed.reject(new ResilientMcpError('CONNECTION_CLOSED', message));
  }

  /** Hands the client a message of the server. */
  deliver(message: JSONRPCMessage, relatedRequestId?: RequestId): void {
    this.onmessage?.(message, relatedRequestId === undefined ? undefined : { relatedRequestId });
  }
}
