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
import { peek, withId, withValue } from '../../protocol/text/message-text.ts';
import type { SharedClient } from './shared-client.ts';

/** Limit of progress tokens of tasks, which outlive their request; the oldest is dropped. */
const MAX_TASK_TOKENS = 1000;

const PROGRESS_TOKEN = ['params', '_meta', 'progressToken'];

/** A client's request, with its id in the shared session. */
export interface SharedCall {
  readonly client: SharedClient;
  /** As the client sent it. */
  readonly request: Request;
  readonly idInSession: RequestId;
}

/**
 * Requests under way in a shared session. Clients number ids and progress tokens independently, so each
 * request gets ids unique in the session, and each answer gets the client's own back.
 */
export class SharedCalls {
  readonly #calls = new Map<RequestId, SharedCall>();
  readonly #taskTokens = new BoundedMap<RequestId, SharedCall>(MAX_TASK_TOKENS);
  #last = 0;

  /** An id not used before in the session. */
  newId(): number {
    this.#last += 1;
    return this.#last;
  }

  /** Translates a client's request for the server. */
  begin(client: SharedClient, request: Request): Request {
    const idInSession = this.newId();
    this.#calls.set(idInSession, { client, request, idInSession });
    const sent = withId(request, idInSession);
    return progressTokenOf(request) === undefined ? sent : withValue(sent, PROGRESS_TOKEN, idInSession);
  }

  /** Removes and returns the request of an answer; undefined for an unknown one. */
  settle(response: Response): SharedCall | undefined {
    const call = this.get(response.id as RequestId);
    if (!call) return undefined;
    this.#calls.delete(call.idInSession);
    if (peek(response, ['result', 'task']) !== undefined) this.#taskTokens.set(call.idInSession, call);
    return call;
  }

  /** Removes a request that failed to reach the server: it gets no answer. */
  drop(idInSession: RequestId): void {
    this.#calls.delete(idInSession);
  }

  get(idInSession: RequestId | undefined): SharedCall | undefined {
    return idInSession === undefined ? undefined : this.#calls.get(idInSession);
  }

  /** A client's request under way, by the client's own id. */
  find(client: SharedClient, id: unknown): SharedCall | undefined {
    return this.of(client).find(({ request }) => isSameId(request.id, id));
  }

  of(client: SharedClient): SharedCall[] {
    return [...this.#calls.values()].filter((call) => call.client === client);
  }

  /** The call that a progress notification belongs to, and the notification with the client's own token. */
  progress(notification: Notification): { call: SharedCall; notification: Notification } | undefined {
    const token = tokenOf(notification);
    const call =
      this.#calls.get(knownId(token, this.#calls)) ?? this.#taskTokens.get(knownId(token, this.#taskTokens));
    const progressToken = call && progressTokenOf(call.request);
    if (!call || progressToken === undefined) return undefined;
    return { call, notification: withValue(notification, ['params', 'progressToken'], progressToken) };
  }
}
