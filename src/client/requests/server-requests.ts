import { BoundedMap } from '../../base/bounded-map.ts';
import {
  cancelledId,
  isNotification,
  isRequest,
  type JSONRPCMessage,
  knownId,
  type Notification,
  progressTokenOf,
  type RequestId,
} from '../../protocol/message.ts';

/** Outstanding requests of the server that are remembered; beyond that the oldest is forgotten. */
const MAX_REMEMBERED = 1000;

/**
 * Requests of the server (sampling, elicitation, roots) that the client still works on, and the session each came
 * on. Their answers belong to that session alone: a new one knows nothing of them.
 */
export class ServerRequests {
  readonly #generations = new BoundedMap<RequestId, number>(MAX_REMEMBERED);
  readonly #progressTokens = new BoundedMap<string | number, number>(MAX_REMEMBERED);

  /** Looks at a message of the server on its way to the client. */
  observe(message: JSONRPCMessage, generation: number): void {
    if (!isRequest(message)) {
      if (isNotification(message) && message.method === 'notifications/cancelled') {
        this.settle(cancelledId(message));
      }
      return;
    }
    this.#generations.set(message.id, generation);
    const token = progressTokenOf(message);
    if (token !== undefined) this.#progressTokens.set(token, generation);
  }

  /** The generation whose request a progress token of the server belongs to. */
  generationOfProgress(token: unknown): number | undefined {
    return this.#progressTokens.get(knownId(token, this.#progressTokens));
  }

  /** A request is over: its id as the server gave it, and the generation it came on; undefined when it is not outstanding. */
  settle(given: unknown): { readonly id: RequestId; readonly generation: number } | undefined {
    const id = knownId(given, this.#generations);
    const generation = this.#generations.get(id);
    this.#generations.delete(id);
    return generation === undefined ? undefined : { id, generation };
  }

  /** Forgets what came on `generation` or before, and yields the notifications that tell the client to stop. */
  cancel(generation: number): Notification[] {
    const gone = [...this.#generations].filter(([, from]) => from <= generation).map(([id]) => id);
    for (const id of gone) this.#generations.delete(id);
    for (const [token, from] of [...this.#progressTokens]) {
      if (from <= generation) this.#progressTokens.delete(token);
    }
    const reason = 'The session that this request came on is gone.';
    return gone.map((requestId) => ({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId, reason },
    }));
  }
}
