import type { Addressee, RefuseAct } from './screenplay.ts';

/** An HTTP request to the replay server. */
export interface PlayedRequest {
  readonly verb: 'POST' | 'GET' | 'DELETE';
  /** The JSON-RPC message of a POST. */
  readonly message?: PlayedMessage | undefined;
  readonly sessionId?: string | undefined;
  readonly lastEventId?: string | undefined;
}

export interface PlayedMessage {
  readonly id?: string | number | undefined;
  readonly method?: string | undefined;
  readonly params?: Readonly<Record<string, unknown>> | undefined;
}

/** What is done with it. */
export type PlayedReply =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      readonly delayMs: number;
    }
  /** The server's GET stream: it stays open. */
  | { readonly kind: 'stream'; readonly headers: Readonly<Record<string, string>> }
  /** The connection breaks: before the head of an answer, or after `start` of an event stream. */
  | { readonly kind: 'cut'; readonly start: string | undefined; readonly delayMs: number }
  /** Nothing but perhaps the head of an event stream, until everything breaks. */
  | { readonly kind: 'hold'; readonly afterHead: boolean };

/** The headers of an answer in JSON, and of an event stream. */
export const JSON_HEADERS = { 'content-type': 'application/json' };
export const STREAM_HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-store' };

/** A complete HTTP answer. */
export function answer(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
  delayMs: number,
): PlayedReply {
  return { kind: 'answer', status, headers, body, delayMs };
}

/** A refusal with the recorded body. */
export function refused(
  requestId: PlayedMessage['id'],
  { status, words }: Pick<RefuseAct, 'status' | 'words'>,
  delayMs: number,
): PlayedReply {
  if (words === '') return answer(status, {}, '', delayMs);
  // Under 200 a refusal is an answer to the request; under any other status it names none.
  const id = status < 300 ? (requestId ?? null) : null;
  const error = { code: status === 404 ? -32001 : -32000, message: words };
  return answer(status, JSON_HEADERS, JSON.stringify({ jsonrpc: '2.0', id, error }), delayMs);
}

/** What of a request an act may be about. */
export function addresseeOf({ verb, message, lastEventId }: PlayedRequest): Addressee {
  if (verb !== 'POST') return { resuming: lastEventId !== undefined };
  const name = message?.method === 'tools/call' ? message.params?.name : undefined;
  return { method: message?.method, tool: typeof name === 'string' ? name : undefined, resuming: false };
}

/** Of what is resumed only that is known: the stream does not name its request. */
export function isSame(act: Addressee, request: Addressee): boolean {
  if (act.resuming || request.resuming) return act.resuming === request.resuming;
  return act.method === request.method && act.tool === request.tool;
}
