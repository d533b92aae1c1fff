import type { RequestId } from '@modelcontextprotocol/sdk/types.js';
import { BoundedMap } from '../../base/bounded-map.ts';
import {
  isSameId,
  knownId,
  type Notification,
  progressTokenOf,
  type Request,
  type Response,
  tokenOf,
} from '../../protocol/message.ts';
import { peek, withId, withValue } from '../../protocol/message-text.ts';
import type { SharedClient } from './shared-client.ts';

/** Progress tokens of tasks, which outlive the request that began the task; the oldest is forgotten first. */
const MAX_TASK_TOKENS = 1000;

const PROGRESS_TOKEN = ['params', '_meta', 'progressToken'];

/** A request of one client, and what it is called in the session. */
export interface SharedCall {
  readonly client: SharedClient;
  /** As the client sent it. */
  readonly request: Request;
  readonly idInSession: RequestId;
}

/**
 * The requests under way in a shared session. Clients count their ids and progress tokens each for themselves, so here
 * every request gets others, unique in the session, and each answer the client's own again.
 */
export class SharedCalls {
  readonly #calls = new Map<RequestId, SharedCall>();
  readonly #taskTokens = new BoundedMap<RequestId, SharedCall>(MAX_TASK_TOKENS);
  #last = 0;

  /** An id that no other request of the session has had. */
  newId(): number {
    this.#last += 1;
    return this.#last;
  }

  /** A client's request as it goes to the server. */
  begin(client: SharedClient, request: Request): Request {
    const idInSession = this.newId();
    this.#calls.set(idInSession, { client, request, idInSession });
    const sent = withId(request, idInSession);
    return progressTokenOf(request) === undefined ? sent : withValue(sent, PROGRESS_TOKEN, idInSession);
  }

  /** The request that an answer belongs to, which is then over; undefined when nobody waits for it. */
  settle(response: Response): SharedCall | undefined {
    const call = this.get(response.id as RequestId);
    if (!call) return undefined;
    this.#calls.delete(call.idInSession);
    if (peek(response, ['result', 'task']) !== undefined) this.#taskTokens.set(call.idInSession, call);
    return call;
  }

  /** What went wrong on the way gets no answer. */
  drop(idInSession: RequestId): void {
    this.#calls.delete(idInSession);
  }

  get(idInSession: RequestId | undefined): SharedCall | undefined {
    return idInSession === undefined ? undefined : this.#calls.get(idInSession);
  }

  /** A client's request under its own id, while it is under way. */
  find(client: SharedClient, id: unknown): SharedCall | undefined {
    return this.of(client).find(({ request }) => isSameId(request.id, id));
  }

  of(client: SharedClient): SharedCall[] {
    return [...this.#calls.values()].filter((call) => call.client === client);
  }

  /** Whose progress it is, and the notification under that client's own token. */
  progress(notification: Notification): { call: SharedCall; notification: Notification } | undefined {
    const token = tokenOf(notification);
    const call =
      this.#calls.get(knownId(token, this.#calls)) ?? this.#taskTokens.get(knownId(token, this.#taskTokens));
    const progressToken = call && progressTokenOf(call.request);
    if (!call || progressToken === undefined) return undefined;
    return { call, notification: withValue(notification, ['params', 'progressToken'], progressToken) };
  }
}
