import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RequestRecord, RpcMessage } from './request.ts';

export type Bytes = string | Uint8Array;

/** What happens to the connection once the body is written: `end` the answer, `reset` the connection, leave it `open`. */
export type Ending = 'end' | 'reset' | 'open';

/** An HTTP answer, every byte of its body chosen by the test. */
export interface HttpReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Default none. A string or bytes are sent with their length when `ending` is `end`; the items of an iterable are chunks
   * of their own, taken as fast as the client reads, for as long as it does (an endless one tests a bound).
   */
  readonly body?: Bytes | Iterable<Bytes> | AsyncIterable<Bytes>;
  /** Default `end`. */
  readonly ending?: Ending;
  /** True: the request runs first, and its own answer is dropped for this one. Default false: nothing runs. */
  readonly afterRun?: boolean;
}

/** Bytes put on the connection as they are, status line and all, so also what is no HTTP. */
export interface RawReply {
  readonly raw: Bytes;
  /** Default `end`: the connection is closed. */
  readonly ending?: Ending;
  readonly afterRun?: boolean;
}

export type Reply = HttpReply | RawReply;

/**
 * What goes wrong with one exchange.
 *
 * - a {@link Reply}, or a function that makes one from the request: this is answered instead.
 * - `reset-before`: the connection is reset; nothing ran.
 * - `reset-after-run`: the call ran; the connection is reset before a byte of its answer.
 * - `cut-stream-after-event-id`: the answer's event stream opens with an event id; the call runs; the connection is reset.
 *   Its answer is kept for a GET with `Last-Event-ID`.
 * - `end-stream-after-event-id`: the same, but the stream ends in good order (SEP-1699 allows a server to do so).
 * - `end-stream`: an event stream without ids opens, the call runs, and the stream ends without its answer.
 * - `hang`: nothing runs and nothing is ever answered, the connection stays open.
 * - `hang-after-run`: the call ran, and nothing is ever answered.
 */
export type Fault =
  | Reply
  | ((request: RequestRecord) => Reply)
  | 'reset-before'
  | 'reset-after-run'
  | 'cut-stream-after-event-id'
  | 'end-stream-after-event-id'
  | 'end-stream'
  | 'hang'
  | 'hang-after-run';

/** True when the request still runs under this fault. */
export function lets(fault: Exclude<Fault, (request: RequestRecord) => Reply>): boolean {
  if (typeof fault === 'object') return fault.afterRun === true;
  return fault !== 'reset-before' && fault !== 'hang';
}

/** A JSON body. */
export function jsonReply(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): HttpReply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

/** A JSON-RPC error whose id is null, as servers give it when they refuse a request unread. */
export function refusal(status: number, code: number, message: string): HttpReply {
  return jsonReply(status, { jsonrpc: '2.0', error: { code, message }, id: null });
}

/** A JSON-RPC error that answers the request by its own id, by default with HTTP 200. */
export function rpcError(code: number, message: string, status = 200): (request: RequestRecord) => HttpReply {
  return (request) => jsonReply(status, { jsonrpc: '2.0', id: request.id ?? null, error: { code, message } });
}

/** One event of an event stream. */
export function eventText(
  message: RpcMessage | undefined,
  options: { id?: string; retryMs?: number } = {},
): string {
  const id = options.id === undefined ? '' : `id: ${options.id}\n`;
  const retry = options.retryMs === undefined ? '' : `retry: ${options.retryMs}\n`;
  // An event without data primes the client with an id (2025-11-25); one with data is a message.
  const data = message === undefined ? 'data: \n' : `event: message\ndata: ${JSON.stringify(message)}\n`;
  return `${id}${retry}${data}\n`;
}

/** Resets the connection (RST where the platform can), so that the client sees a broken one and no end of a stream. */
export function reset(response: ServerResponse): void {
  const { socket } = response;
  if (!socket) response.destroy();
  else if (typeof socket.resetAndDestroy === 'function') socket.resetAndDestroy();
  else socket.destroy();
}

/** Writes a reply. Resolves when the body is written or the client has gone. */
export async function writeReply(response: ServerResponse, reply: Reply): Promise<void> {
  const ending = reply.ending ?? 'end';
  if ('raw' in reply) {
    response.socket?.write(reply.raw);
    if (ending === 'end') response.socket?.end();
  } else if (isBytes(reply.body) || reply.body === undefined) {
    if (ending === 'end') response.writeHead(reply.status, { ...reply.headers }).end(reply.body);
    else response.writeHead(reply.status, { ...reply.headers }).flushHeaders();
    if (ending !== 'end' && reply.body !== undefined) response.write(reply.body);
  } else {
    response.writeHead(reply.status, { ...reply.headers });
    response.flushHeaders();
    // A client that goes away in the middle is the end of it, and no error.
    await pipeline(Readable.from(reply.body), response, { end: ending === 'end' }).catch(() => {});
  }
  if (ending === 'reset') await afterFlush(response);
}

/** Resets once what was written is with the kernel; an RST sent earlier would take those bytes with it. */
function afterFlush(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const cut = () => {
      response.socket?.destroy();
      resolve();
    };
    if (!response.socket || response.socket.destroyed) resolve();
    else response.socket.write('', cut);
  });
}

function isBytes(body: HttpReply['body']): body is Bytes {
  return typeof body === 'string' || body instanceof Uint8Array;
}
