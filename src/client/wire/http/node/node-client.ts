import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { Readable } from 'node:stream';
import { isLoopback } from '../../../../base/address-zones.ts';
import { type Clock, nextTurn, wholeTurn } from '../../../../base/environment.ts';
import type {
  ClosableClient,
  HttpBody,
  HttpClient,
  HttpInit,
  HttpResponse,
} from '../../../../base/http-client.ts';
import { ResilientMcpError } from '../../../../protocol/errors.ts';
import type { Connect, PlainClient } from '../plain/plain-client.ts';
import type { Decode } from '../plain/plain-exchange.ts';
import { requestFields } from '../plain/request-head.ts';
import { Connecting } from './connecting.ts';
import { codingsOf, type Decoders, decoded, decodersOf } from './content-coding.ts';
import { abortError, incomingBody } from './incoming-body.ts';
import { agentOptions, WaitingSockets } from './sockets.ts';

/** One scheme's half of the platform's client. */
interface Scheme {
  /** Looked at for each request: an editor puts its own `request` here, for proxies and certificates. */
  readonly platform: { readonly request: (options: RequestOptions) => ClientRequest };
  readonly agent: Agent;
  readonly waiting: WaitingSockets;
}

/** What is loaded when the first request of a scheme is made: TLS takes longer to load than all the rest. */
interface Loaded {
  readonly scheme: Scheme;
  /** What is plain HTTP to this machine needs no more than this. */
  readonly plain: PlainClient | undefined;
  /** An address as `node:http` wants it. */
  readonly addressOf: (url: URL) => RequestOptions;
  readonly decoders: Decoders;
  readonly pipeline: typeof import('node:stream').pipeline;
}

/**
 * Requests by `node:http` and `node:https`, in place of `fetch` (decision 0012), and by sockets alone to servers of this
 * machine (decision 0016): no request leaves on a connection that may be dead, and nothing but the connection's own
 * limits ends what is silent. Sockets are this client's own, and end with it.
 */
export class NodeClient implements ClosableClient {
  readonly #fallback: HttpClient;
  readonly #clock: Clock;
  readonly #connect: Connect | undefined;
  readonly #loading = new Map<string, Promise<Loaded | undefined>>();
  readonly #loaded = new Map<string, Loaded>();
  #closed = false;

  /**
   * @param fallback used where there is no `node:http`
   * @param connect makes the connections of http, in place of the platform
   */
  constructor(fallback: HttpClient, clock: Clock, connect?: Connect) {
    this.#fallback = fallback;
    this.#clock = clock;
    this.#connect = connect;
  }

  readonly send: HttpClient = async (url, init) => {
    const loaded = this.#loaded.get(url.protocol) ?? (await this.#loadOnce(url.protocol));
    if (!loaded) return this.#fallback(url, init);
    const plain = this.#isPlain(url, init) ? loaded.plain : undefined;
    const sockets = plain ?? loaded.scheme.waiting;
    const { connection = 'recent' } = init;
    // What the servers have said by now is heard first: that one closes a connection, or that another is free again.
    sockets.leave(connection);
    if (sockets.hasAny) {
      await wholeTurn();
      sockets.leave(connection);
    }
    return plain ? plain.send(url, init) : this.#request(loaded, url, init);
  };

  /** Closes the sockets that wait for another request, and later each that is still in use. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const loaded of await Promise.all(this.#loading.values())) {
      loaded?.scheme.agent.destroy();
      loaded?.plain?.close();
    }
  }

  #isPlain(url: URL, { socketPath }: HttpInit): boolean {
    const isNear = this.#connect !== undefined || socketPath !== undefined || isLoopback(url.hostname);
    return isNear && url.username === '' && url.password === '';
  }

  #loadOnce(protocol: string): Promise<Loaded | undefined> {
    const loading = this.#loading.get(protocol) ?? this.#load(protocol);
    this.#loading.set(protocol, loading);
    return loading;
  }

  async #load(protocol: string): Promise<Loaded | undefined> {
    if (protocol !== 'http:' && protocol !== 'https:') return undefined;
    const modules = Promise.all([
      protocol === 'https:' ? import('node:https') : import('node:http'),
      import('node:url'),
      import('node:zlib'),
      import('node:stream'),
      import('node:net'),
      import('../plain/plain-client.ts'),
    ]);
    const found = await modules.catch(() => undefined);
    if (!found) return undefined;
    const [{ default: platform }, { urlToHttpOptions }, zlib, stream, net, { PlainClient }] = found;
    const proxy = proxyOptions(platform.globalAgent);
    const agent = new platform.Agent({ ...agentOptions, keepAlive: !this.#closed, ...proxy });
    const decoders = decodersOf(zlib);
    const isForSockets = protocol === 'http:' && (this.#connect !== undefined || !('proxyEnv' in proxy));
    const loaded = {
      scheme: this.#scheme(platform, agent),
      plain: isForSockets
        ? new PlainClient(net, this.#clock, decoding(stream, decoders), this.#connect)
        : undefined,
      addressOf: rememberingLast(urlToHttpOptions),
      decoders,
      pipeline: stream.pipeline,
    };
    if (this.#closed) loaded.plain?.close();
    this.#loaded.set(protocol, loaded);
    return loaded;
  }

  #scheme(platform: Scheme['platform'], agent: Agent): Scheme {
    return { platform, agent, waiting: new WaitingSockets(agent, this.#clock) };
  }

  #request(loaded: Loaded, url: URL, init: HttpInit): Promise<HttpResponse> {
    const { platform, agent } = loaded.scheme;
    return new Promise<HttpResponse>((resolve, reject) => {
      const { method = 'GET', signal, socketPath } = init;
      const body = typeof init.body === 'string' ? init.body : undefined;
      const headers = headersOf(init.headers, body);
      const address = { ...loaded.addressOf(url), ...(socketPath !== undefined && { socketPath }) };
      const outgoing = platform.request({ ...address, agent, method, headers });
      const connecting = outgoing.reusedSocket ? undefined : new Connecting(outgoing, this.#clock);
      const abort = () => outgoing.destroy(abortError(signal?.reason));
      // A session that is lost ends its stream, and asks for another session: that request is sent before this is closed.
      const abortSoon = () => void nextTurn().then(abort);
      outgoing.on('error', (error) => {
        if (signal?.aborted) reject(abortError(signal.reason));
        else reject(connecting?.failure(error) ?? error);
      });
      outgoing.once('response', (incoming) => {
        const refusal = connecting?.refusal(url.protocol, incoming);
        if (refusal) outgoing.destroy(refusal);
        else resolve(responseOf(incoming, bodyOf(incoming, loaded), signal));
      });
      outgoing.once('close', () => {
        connecting?.end();
        signal?.removeEventListener('abort', abortSoon);
      });
      signal?.addEventListener('abort', abortSoon);
      if (signal?.aborted) abort();
      else init.onConnection?.(outgoing.reusedSocket);
      // As text: node:http sends that in one piece with the headers.
      outgoing.end(body);
    });
  }
}

/** The proxy of the whole process, where one was named to it (NODE_USE_ENV_PROXY, or by the command line). */
function proxyOptions(globalAgent: Agent): object {
  const { proxyEnv } = (globalAgent as Agent & { options: { proxyEnv?: unknown } }).options;
  return proxyEnv === undefined ? {} : { proxyEnv };
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

function headersOf(given: RequestInit['headers'], body: string | undefined): Record<string, string> {
  const headers = requestFields(given);
  if (body !== undefined) headers['content-length'] = String(Buffer.byteLength(body));
  return headers;
}

/** How {@link PlainClient} has the codings of a body undone. */
function decoding(
  { Readable, pipeline }: Pick<typeof import('node:stream'), 'Readable' | 'pipeline'>,
  decoders: Decoders,
): Decode {
  return (body, contentEncoding, signal) => {
    const codings = codingsOf(contentEncoding);
    if (codings.length === 0) return body;
    const encoded = Readable.from(chunksOf(body));
    const result = decoded(encoded, codings, decoders, pipeline);
    if (typeof result === 'string') encoded.destroy(unknownCoding(result));
    return incomingBody({ complete: false }, typeof result === 'string' ? encoded : result, signal);
  };
}

async function* chunksOf(body: HttpBody): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { value } = await reader.read();
      if (!value) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}

function bodyOf(incoming: IncomingMessage, { decoders, pipeline }: Loaded): Readable {
  const codings = codingsOf(incoming.headers['content-encoding']);
  const body = decoded(incoming, codings, decoders, pipeline);
  if (typeof body !== 'string') return body;
  return incoming.destroy(unknownCoding(body));
}

function unknownCoding(name: string): ResilientMcpError {
  const message = `The answer is encoded as "${name.slice(0, 40)}", which was not asked for and is not known here.`;
  return new ResilientMcpError('PROTOCOL_VIOLATION', message);
}

function responseOf(incoming: IncomingMessage, body: Readable, signal: RequestInit['signal']): HttpResponse {
  const { statusCode: status = 0, statusMessage: statusText = '' } = incoming;
  return {
    ok: status >= 200 && status <= 299,
    status,
    statusText,
    headers: new IncomingHeaders(incoming),
    body: incomingBody(incoming, body, signal),
  };
}

class IncomingHeaders {
  readonly #incoming: IncomingMessage;

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
  }

  get(name: string): string | null {
    const value = this.#incoming.headers[name.toLowerCase()];
    return value === undefined ? null : String(value);
  }

  *[Symbol.iterator](): Iterator<[string, string]> {
    const { rawHeaders } = this.#incoming;
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) yield [rawHeaders[i] ?? '', rawHeaders[i + 1] ?? ''];
  }
}
