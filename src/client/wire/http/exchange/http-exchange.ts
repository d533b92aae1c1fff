import type { Clock } from '../../../../base/environment.ts';
import type { HttpClient, HttpResponse } from '../../../../base/http-client.ts';
import {
  PROTOCOL_VERSION_HEADER,
  SESSION_ID_HEADER,
  sendsVersionHeader,
} from '../../../../protocol/http/headers.ts';
import {
  isRequest,
  type Notification,
  type Request,
  type RequestId,
  type Response as RpcResponse,
} from '../../../../protocol/message.ts';
import type { Outcome } from '../../../../protocol/outcome.ts';
import type { Limits } from '../../../options.ts';
import type { NegotiatedSession, OpenOutcome, RequestOptions, WireEvents } from '../../wire.ts';
import type { Authorization } from '../auth/authorization.ts';

/** What the exchanges of one wire share. */
export interface ExchangeContext {
  readonly url: URL;
  readonly fetch: HttpClient;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly events: WireEvents;
  readonly authorization: Authorization;
  /** Of the user's `requestInit`, everything but method, body, headers and signal. */
  readonly init: RequestInit;
  /** Undefined before `initialize` was answered. */
  readonly negotiated: NegotiatedSession | undefined;
}

const NO_HEADERS = new Headers();
const NOTHING_MORE = {};

/** One HTTP request and the whole of its answer, stream included. */
export interface HttpExchange {
  readonly message: Request | Notification | RpcResponse;
  readonly options: RequestOptions;
  /** The event after which the stream of an earlier exchange is taken up, in place of sending the message. */
  readonly resumeAfter: string | undefined;
  readonly requestId: RequestId | undefined;
  /** The headers that it goes out with; set anew for each attempt. */
  headers: Headers;
  /** The same as they go out, where they can't change: whoever writes them may write them once. */
  fields: Readonly<Record<string, string>> | undefined;
  /** Sees a good response before its body is read: `initialize` takes the session id from it. */
  readonly onResponse: ((response: HttpResponse) => void) | undefined;
  /** Sees a 401, or a 403 for insufficient scope. What it throws, the attempt throws. */
  onChallenge: ((response: HttpResponse) => Promise<void>) | undefined;
  /** Whether an event id came, by which the rest can be had. */
  hasEventId: boolean;
}

/** An exchange to be made. */
export function exchangeOf(
  message: HttpExchange['message'],
  options: RequestOptions,
  { resumeAfter, onResponse }: Partial<Pick<HttpExchange, 'resumeAfter' | 'onResponse'>> = NOTHING_MORE,
): HttpExchange {
  return {
    message,
    options,
    resumeAfter,
    requestId: isRequest(message) ? message.id : undefined,
    headers: NO_HEADERS,
    fields: undefined,
    onResponse,
    onChallenge: undefined,
    hasEventId: false,
  };
}

/** Makes an exchange. Every ending is an outcome. */
export type Send<T extends Outcome | OpenOutcome = Outcome> = (exchange: HttpExchange) => Promise<T>;

/** Does one thing around the exchanges that it passes on. */
export type Layer = (next: Send) => Send;

/** The layers around an exchange, the outermost first. */
export function compose(...layers: readonly Layer[]): Layer {
  return (send) => layers.reduceRight((next, layer) => layer(next), send);
}

/** Fresh headers for one request of a session: those of the user, of the authorization, and of the protocol. */
export async function headersOf(
  { authorization, negotiated }: Pick<ExchangeContext, 'authorization' | 'negotiated'>,
  accept?: string,
): Promise<Headers> {
  const headers = await authorization.headers();
  // Set last, so that a header of the user's can't carry a dead id or version into a new session.
  headers.delete(SESSION_ID_HEADER);
  headers.delete(PROTOCOL_VERSION_HEADER);
  if (accept) headers.set('accept', accept);
  if (negotiated?.sessionId !== undefined) headers.set(SESSION_ID_HEADER, negotiated.sessionId);
  if (negotiated && sendsVersionHeader(negotiated.protocolVersion)) {
    headers.set(PROTOCOL_VERSION_HEADER, negotiated.protocolVersion);
  }
  return headers;
}
