import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { ResilientMcpError } from '../../protocol/errors.ts';
import { isRequest } from '../../protocol/message.ts';
import type { RelayUpstream } from '../server-definition.ts';

/** The session that a client shares. */
export interface SharedClientOwner {
  join(client: SharedClient): void;
  /**
   * Handles a message of this client. For a request: resolves when its answer is delivered or it is
   * cancelled.
   */
  take(client: SharedClient, message: JSONRPCMessage): Promise<void>;
  leave(client: SharedClient, keepSession: boolean): void;
}

/** One client of a shared session. Its client session uses it like a connection. */
export class SharedClient implements RelayUpstream {
  onmessage?: NonNullable<RelayUpstream['onmessage']>;
  onstream?: NonNullable<RelayUpstream['onstream']>;
  /** The client's capabilities, from its `initialize`. */
  capabilities: Readonly<Record<string, unknown>> = {};
  /** Last activity, as a running number of the session. */
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

  /** Delivers a message of the server to the client. */
  deliver(message: JSONRPCMessage, relatedRequestId?: RequestId): void {
    this.onmessage?.(message, relatedRequestId === undefined ? undefined : { relatedRequestId });
  }
}
