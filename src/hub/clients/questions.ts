import type { RequestId } from '@modelcontextprotocol/sdk/types.js';
import { BoundedMap } from '../../base/bounded-map.ts';
import {
  cancelledId,
  isSameId,
  knownId,
  type Notification,
  type Request,
  type Response,
} from '../../protocol/message.ts';
import { withId, withValue } from '../../protocol/message-text.ts';

/** Questions that are remembered; beyond that the oldest is forgotten, and with it the answer to it. */
const MAX_QUESTIONS = 1000;

interface Question {
  /** Its id at the server. */
  readonly id: RequestId;
  /** The server has taken it back, or its session is gone: an answer would be one to another question. */
  withdrawn: boolean;
}

/**
 * The server's requests to the client (sampling, elicitation, roots) that the client has not answered, by the id that
 * the client knows them under. That is the server's own id, except where the client still owes an answer under it: a
 * server that was restarted counts from the beginning again, and "yes" to its predecessor must not become "yes" to it.
 */
export class Questions {
  readonly #owed = new BoundedMap<RequestId, Question>(MAX_QUESTIONS);
  #renamed = 0;

  /** A question on its way to the client, under an id that is free there. */
  ask(request: Request): Request {
    const isTaken = this.#owed.has(request.id);
    const id = isTaken ? `${request.id}#${++this.#renamed}` : request.id;
    this.#owed.set(id, { id: request.id, withdrawn: false });
    return isTaken ? withId(request, id) : request;
  }

  /** `notifications/cancelled` of the server on its way to the client. Every other notification is left as it is. */
  withdraw(notification: Notification): Notification {
    if (notification.method !== 'notifications/cancelled') return notification;
    const meant = cancelledId(notification);
    const owed = [...this.#owed].filter(([, { withdrawn }]) => !withdrawn);
    const [id, question] =
      owed.find(([, each]) => each.id === meant) ?? owed.find(([, each]) => isSameId(each.id, meant)) ?? [];
    if (question) question.withdrawn = true;
    if (id === undefined || id === meant) return notification;
    return withValue(notification, ['params', 'requestId'], id);
  }

  /** The client's answer on its way to the server; undefined when the question was withdrawn or is not known. */
  answer(response: Response): Response | undefined {
    const id = knownId(response.id, this.#owed);
    const question = this.#owed.get(id);
    this.#owed.delete(id);
    if (!question || question.withdrawn) return undefined;
    return question.id === response.id ? response : withId(response, question.id);
  }
}
