import type { Agent, IncomingMessage, RequestOptions } from 'node:http';
import type { Readable, Transform } from 'node:stream';
import { nextTurn } from '../environment.ts';
import type { HttpBody, HttpBodyReader, HttpClient, HttpResponse } from './http-client.ts';

/** What is loaded when the first request is made. */
interface Loaded {
  readonly http: typeof import('node:http');
  readonly agent: Agent;
  /** An address as `node:http` wants it. */
  readonly addressOf: (url: URL) => RequestOptions;
  /** The body as it was before the server encoded it. */
  readonly decoded: (incoming: IncomingMessage) => Readable;
}

/** Sockets that are kept open for the next request; more are closed when theirs is done. */
const MAX_FREE_SOCKETS = 32;

/** How much of a body is read before somebody wants it, in bytes. */
const MAX_UNREAD_BYTES = 64 * 1024;

/**
 * Requests to a server of this machine by `node:http`, in place of `fetch`: a third of its processor time (decision
 * 0006). What `fetch` is for in an editor, proxies and certificates, a loopback address does not need. Sockets are the
 * connection's own, and end with it.
 */
export class LoopbackClient {
  readonly #fallback: HttpClient;
  #loaded: Promise<Loaded | undefined> | undefined;
  #closed = false;

  /** @param fallback used where there is no `node:http` */
  constructor(fallback: HttpClient) {
    this.#fallback = fallback;
  }

  readonly send: HttpClient = async (url, init) => {
    this.#loaded ??= this.#load();
    const loaded = await this.#loaded;
    return loaded ? request(loaded, url, init) : this.#fallback(url, init);
  };

  /** Closes the sockets that wait for another request, and later each that is still in use. */
  async close(): Promise<void> {
    this.#closed = true;
    (await this.#loaded)?.agent.destroy();
  }

  async #load(): Promise<Loaded | undefined> {
    const modules = Promise.all([
      import('node:http'),
      import('node:url'),
      import('node:zlib'),
      import('node:stream'),
    ]);
    const loaded = await modules.catch(() => undefined);
    if (!loaded) return undefined;
    const [http, { urlToHttpOptions }, zlib, { pipeline }] = loaded;
    const agent = new http.Agent({ keepAlive: !this.#closed, maxFreeSockets: MAX_FREE_SOCKETS });
    const decoders = new Map<string | undefined, () => Transform>([
      ['gzip', zlib.createGunzip],
      ['deflate', zlib.createInflate],
      ['br', zlib.createBrotliDecompress],
    ]);
    const decoded = (incoming: IncomingMessage) => {
      const decoder = decoders.get(incoming.headers['content-encoding'])?.();
      // What goes wrong destroys both, and whoever reads hears of it.
      return decoder ? pipeline(incoming, decoder, () => {}) : incoming;
    };
    return { http, agent, addressOf: rememberingLast(urlToHttpOptions), decoded };
  }
}

/** Whether an address is one of this machine, which no proxy stands before: `localhost`, 127.0.0.0/8, ::1. */
export function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

/** A connection has one address as a rule; taking it apart costs a fifth of a request. */
function rememberingLast(read: (url: URL) => RequestOptions): (url: URL) => RequestOptions {
  let last: { readonly href: string; readonly address: RequestOptions } | undefined;
  return (url) => {
    const { href } = url;
    if (last?.href !== href) last = { href, address: read(url) };
    return last.address;
  };
}

function request({ http, agent, addressOf, decoded }: Loaded, url: URL, init: RequestInit) {
  return new Promise<HttpResponse>((resolve, reject) => {
    const { method = 'GET', signal } = init;
    const body = typeof init.body === 'string' ? init.body : undefined;
    const headers = headersOf(init.headers, body);
    const outgoing = http.request({ ...addressOf(url), agent, method, headers });
    const abort = () => outgoing.destroy(abortError(signal?.reason));
    // A session that is lost ends its stream, and asks for another session: that request is sent before this is closed.
    const abortSoon = () => void nextTurn().then(abort);
    outgoing.on('error', (error) => reject(signal?.aborted ? abortError(signal.reason) : error));
    outgoing.once('response', (incoming) => resolve(responseOf(incoming, decoded(incoming), signal)));
    outgoing.once('close', () => signal?.removeEventListener('abort', abortSoon));
    signal?.addEventListener('abort', abortSoon);
    if (signal?.aborted) abort();
    // As text: node:http sends that in one piece with the headers.
    outgoing.end(body);
  });
}

function headersOf(given: RequestInit['headers'], body: string | undefined): Record<string, string> {
  // Without it a server may choose any encoding (RFC 9110, 12.5.3). Some choose one in spite of it.
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (given instanceof Headers) {
    for (const [name, value] of given) headers[name] = value;
  } else Object.assign(headers, Object.fromEntries(new Headers(given)));
  if (body !== undefined) headers['content-length'] = String(Buffer.byteLength(body));
  return headers;
}

function responseOf(incoming: IncomingMessage, body: Readable, signal: Signal): HttpResponse {
  const { statusCode: status = 0, statusMessage: statusText = '' } = incoming;
  return {
    ok: status >= 200 && status <= 299,
    status,
    statusText,
    headers: {
      get(name) {
        const value = incoming.headers[name.toLowerCase()];
        return value === undefined ? null : String(value);
      },
    },
    body: new IncomingBody(incoming, body, signal),
  };
}

type Signal = RequestInit['signal'];

/** The body of a message of `node:http`, to be read a chunk at a time. */
class IncomingBody implements HttpBody, HttpBodyReader {
  readonly #message: IncomingMessage;
  readonly #incoming: Readable;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #end: { readonly error: unknown } | 'whole' | undefined;
  #wake: () => void = () => {};

  /** @param incoming the body of `message`, decoded */
  constructor(message: IncomingMessage, incoming: Readable, signal: Signal) {
    this.#message = message;
    this.#incoming = incoming;
    incoming.on('data', (chunk: Uint8Array) => {
      if (this.#end) return;
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
      // Until it is read: a body may be larger than anybody wants to hold.
      if (this.#bytes >= MAX_UNREAD_BYTES) incoming.pause();
      this.#wake();
    });
    incoming.once('end', () => this.#finish('whole'));
    incoming.on('error', (error) =>
      this.#finish({ error: signal?.aborted ? abortError(signal.reason) : error }),
    );
    incoming.once('close', () => this.#finish({ error: new Error('The response was broken off.') }));
  }

  getReader(): HttpBodyReader {
    return this;
  }

  async read(): Promise<{ done: boolean; value?: Uint8Array }> {
    for (;;) {
      const value = this.#chunks.shift();
      if (value) {
        this.#bytes -= value.length;
        return { done: false, value };
      }
      if (this.#end === 'whole') return { done: true };
      if (this.#end) throw this.#end.error;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      this.#incoming.resume();
      await promise;
    }
  }

  async cancel(): Promise<void> {
    this.#finish('whole');
    this.#chunks.length = 0;
    // Of one that has arrived whole the socket is free again, or in use for another request already.
    if (this.#message.complete) this.#incoming.resume();
    else this.#incoming.destroy();
  }

  #finish(end: { readonly error: unknown } | 'whole'): void {
    this.#end ??= end;
    this.#wake();
  }
}

/** As `fetch` does: the reason itself, which is an error as a rule. */
function abortError(reason: unknown): Error {
  return reason instanceof Error ? reason : new DOMException('This operation was aborted', 'AbortError');
}
