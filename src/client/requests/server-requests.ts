import { BoundedMap } from '../../base/bounded-map.ts';
import {
  cancelledId,
  isSameId,
  knownId,
  type Notification,
  progressTokenOf,
  type Request,
  type RequestId,
} from '../../protocol/message.ts';
import { withId, withValue } from '../../protocol/text/message-text.ts';

/** Outstanding requests of the server that are remembered; beyond that the oldest is forgotten. */
const MAX_REMEMBERED = 1000;

/** A request of the server that the client still works on. */
interface Outstanding {
  /** The id at the server. */
  readonly id: RequestId;
  readonly generation: number;
}

/**
 * Requests of the server (sampling, elicitation, roots) that the client still works on, by the id that the client knows.
 * That is the server's own id in the first session. From the second on the generation is added: a server that was
 * restarted counts from the beginning again, and an answer to its predecessor must not become one to it. An answer
 * belongs to the session that asked: a new one knows nothing of the request.
 */
export class ServerRequests {
  readonly #outstanding = new BoundedMap<RequestId, Outstanding>(MAX_REMEMBERED);
  readonly #progressTokens = new BoundedMap<string | number, number>(MAX_REMEMBERED);

  /** A request on its way to the client, under the id that the client is to know it by. */
  enter(request: Request, generation: number): Request {
    const id = generation > 1 ? `${request.id}#${generation}` : request.id;
    this.#outstanding.set(id, { id: request.id, generation });
    const token = progressTokenOf(request);
    if (token !== undefined) this.#progressTokens.set(token, generation);
    return id === request.id ? request : withId(request, id);
  }

  /** `notifications/cancelled` of the server on its way to the client. Every other notification is left as it is. */
  withdraw(notification: Notification, generation: number): Notification {
    if (notification.method !== 'notifications/cancelled') return notification;
    const meant = cancelledId(notification);
    const own = [...this.#outstanding].filter(([, each]) => each.generation === generation);
    const [id] =
      own.find(([, each]) => each.id === meant) ?? own.find(([, each]) => isSameId(each.id, meant)) ?? [];
    if (id === undefined) return notification;
    this.#outstanding.delete(id);
    return id === meant ? notification : withValue(notification, ['params', 'requestId'], id);
  }

  /** The generation whose request a progress token of the server belongs to. */
  generationOfProgress(token: unknown): number | undefined {
    return this.#progressTokens.get(knownId(token, this.#progressTokens));
  }

  /** A request is answered: its id as the server gave it, and the generation it came on; undefined when it is not outstanding. */
  settle(given: unknown): Outstanding | undefined {
    const id = knownId(given, this.#outstanding);
    const outstanding = this.#outstanding.get(id);
    this.#outstanding.delete(id);
    return outstanding;
  }

  /** Forgets what came on `generation` or before, and yields the notifications that tell the client to stop. */
  cancel(generation: number): Notification[] {
    const gone = [...this.#outstanding].filter(([, from]) => from.generation <= generation).map(([id]) => id);
    for (const id of gone) this.#outstanding.delete(id);
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
