import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { HealingTransport } from '../../client/healing-transport.ts';
import type { ConnectionSnapshot } from '../../client/index.ts';
import { isOurs } from '../../endpoint/own-request.ts';
import { isResponse, type Request, type Response } from '../../protocol/message.ts';
import { withId } from '../../protocol/message-text.ts';
import type { RelayUpstream } from './upstream.ts';

/**
 * The first words of a session that an earlier gateway has begun. The companion says them in the client's place:
 * `initialize`, the log level, subscriptions. They are answered here and at once, since the client has its session
 * whether or not the server can be reached now, and brought to the server when it can be.
 */
export class Takeover {
  readonly #upstream: RelayUpstream;
  readonly #whenReady: () => Promise<void>;
  readonly #underWay = new Set<RequestId>();
  #taken = 0;

  /** @param whenReady resolves when the server can be reached; need not, if that will never be */
  constructor(upstream: RelayUpstream, whenReady: () => Promise<void>) {
    this.#upstream = upstream;
    this.#whenReady = whenReady;
  }

  /** The answer to a request of the companion's own; undefined for one of the client's. */
  take(request: Request): Response | undefined {
    if (!isOurs(request.id)) return undefined;
    // The companion uses an id again once it was answered, which is at once here.
    const id = `${request.id}#${++this.#taken}`;
    this.#underWay.add(id);
    void this.#bring(withId(request, id)).finally(() => this.#underWay.delete(id));
    return { jsonrpc: '2.0', id: request.id, result: {} };
  }

  /** Whether a message of the server answers such a request. Nobody waits for it any more. */
  hasAnswered(message: JSONRPCMessage): boolean {
    return isResponse(message) && this.#underWay.has(message.id as RequestId);
  }

  /** `initialize` is tried by the connection itself; the rest is tried once more when the server is back. */
  async #bring(request: Request): Promise<void> {
    const send = () => this.#upstream.send(request as JSONRPCMessage);
    await send().catch(async () => {
      if (request.method === 'initialize') return;
      await this.#whenReady();
      await send().catch(() => {});
    });
  }
}

/** Resolves when a connection holds a session that is proven. */
export function untilReady(connection: Pick<HealingTransport, 'snapshot' | 'onDidChange'>): Promise<void> {
  return new Promise((resolve) => {
    const look = ({ status }: ConnectionSnapshot) => {
      if (status === 'ready' || status === 'closed') watching.dispose();
      if (status === 'ready') resolve();
    };
    const watching = connection.onDidChange(look);
    look(connection.snapshot());
  });
}
