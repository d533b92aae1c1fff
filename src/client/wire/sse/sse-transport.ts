import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { Clock } from '../../../base/environment.ts';
import type { HttpClient, HttpResponse } from '../../../base/http-client.ts';
import { describeError, ResilientMcpError } from '../../../protocol/errors.ts';
import { createEventStreamReader, type StreamEvent } from '../../../protocol/events/event-stream.ts';
import { mediaType, PROTOCOL_VERSION_HEADER, sendsVersionHeader } from '../../../protocol/http/headers.ts';
import type { ScannedMessage } from '../../../protocol/text/envelope-scan.ts';
import { hearText } from '../../../protocol/text/hear-text.ts';
import { textOf } from '../../../protocol/text/message-text.ts';
import type { WrappedTransport } from '../../../protocol/wrapped-transport.ts';
import type { Limits } from '../../options.ts';
import { readHead } from '../http/body.ts';
import { withinOrigin } from '../http/redirect.ts';
import { HttpRefusal } from '../sdk/sdk-errors.ts';

export interface SseTransportOptions {
  /** Where the stream of events is. It names the address for messages. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly limits: Limits;
}

/**
 * HTTP+SSE, the transport of MCP 2024-11-05. As the SDK's `SSEClientTransport`, but a stream that ends is the end of it:
 * that one opens another, which the server takes for a new session that nobody has initialized (protocol.md, D.2). It
 * also bounds what it reads, and tells the status of a refusal as a status (docs/decisions/0005-processes.md).
 */
export class SseTransport implements WrappedTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  ontoolong?: (message: ScannedMessage, error: ResilientMcpError) => void;

  readonly #options: SseTransportOptions;
  readonly #fetch: ReturnType<typeof withinOrigin<HttpResponse>>;
  readonly #abort = new AbortController();
  readonly #endpoint = Promise.withResolvers<URL>();
  #target: URL | undefined;
  #version: string | undefined;
  #ending: ResilientMcpError | undefined;
  #isOver = false;

  constructor(options: SseTransportOptions) {
    this.#options = options;
    this.#fetch = withinOrigin(options.http);
    // Nobody waits for it before the stream is open: a rejection without a handler ends a process of Node.js.
    this.#endpoint.promise.catch(() => {});
  }

  /** Why the stream ended, unless it was ended from here. */
  get ending(): ResilientMcpError | undefined {
    return this.#ending;
  }

  /**
   * Opens the stream, and resolves when it has named the address for messages.
   * @throws HttpRefusal, ResilientMcpError, what the network throws
   */
  async start(): Promise<void> {
    const headers = this.#headers({ accept: 'text/event-stream' });
    const response = await this.#fetch(this.#options.url, { headers, signal: this.#abort.signal });
    if (!response.ok) throw await this.#refusal(response);
    const type = mediaType(response.headers.get('content-type'));
    if (type !== 'text/event-stream') {
      response.body?.cancel().catch(() => {});
      throw violation(
        `The server answered with content type "${type || 'none'}" instead of text/event-stream.`,
      );
    }
    void this.#read(response).then((because) => this.#end(because));
    this.#target = await this.#endpoint.promise;
  }

  /** @throws HttpRefusal, ResilientMcpError, what the network throws */
  async send(message: JSONRPCMessage): Promise<void> {
    if (!this.#target || this.#isOver) {
      throw new ResilientMcpError('CONNECTION_CLOSED', 'The event stream is not open.');
    }
    const response = await this.#fetch(this.#target, {
      method: 'POST',
      headers: this.#headers({ 'content-type': 'application/json' }),
      body: textOf(message),
      signal: this.#abort.signal,
    });
    if (!response.ok) throw await this.#refusal(response);
    response.body?.cancel().catch(() => {});
  }

  async close(): Promise<void> {
    this.#isOver = true;
    this.#abort.abort();
    this.#endpoint.reject(new ResilientMcpError('CONNECTION_CLOSED', 'The connection was closed.'));
    this.onclose?.();
  }

  /** The stream breaks off, as if the network had. */
  cut(because: string): void {
    this.#end(because);
  }

  setProtocolVersion(version: string): void {
    this.#version = version;
  }

  /** Reads until there is nothing more to read, and says why. */
  async #read(response: HttpResponse): Promise<string> {
    const events = createEventStreamReader({
      maxEventLength: this.#options.limits.maxEventLength,
      onEvent: (event) => this.#take(event),
      onTooLong: (message, error) => this.ontoolong?.(message, error),
    });
    const reader = response.body?.getReader();
    try {
      for (;;) {
        const chunk = await reader?.read();
        if (!chunk?.value) return 'the server ended it';
        events.feed(chunk.value);
      }
    } catch (error) {
      return describeError(error);
    }
  }

  #take({ event, data }: StreamEvent): void {
    if (event === 'endpoint') this.#name(data);
    else if (event === 'message') this.#hear(data);
  }

  /** Messages carry the headers of the user: they go to the origin that the user has named, and to no other. */
  #name(address: string): void {
    const { url } = this.#options;
    const target = URL.canParse(address, url.href) ? new URL(address, url) : undefined;
    if (target?.origin === url.origin) this.#endpoint.resolve(target);
    else this.#endpoint.reject(violation(`The server names ${target?.origin ?? 'no address'} for messages.`));
  }

  #hear(data: string): void {
    if (hearText(data, this)) return;
    this.onerror?.(violation('An event of the stream is no JSON-RPC message; it was passed over.'));
  }

  #end(because: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ending = new ResilientMcpError('SERVER_UNAVAILABLE', `The event stream ended: ${because}`);
    this.#endpoint.reject(this.#ending);
    this.#abort.abort();
    this.onclose?.();
  }

  #headers(own: Readonly<Record<string, string>>): Headers {
    const headers = new Headers(this.#options.headers);
    for (const [name, value] of Object.entries(own)) headers.set(name, value);
    if (this.#version !== undefined && sendsVersionHeader(this.#version)) {
      headers.set(PROTOCOL_VERSION_HEADER, this.#version);
    }
    return headers;
  }

  async #refusal(response: HttpResponse): Promise<HttpRefusal> {
    const { limits, clock } = this.#options;
    const head = { maxBytes: limits.maxErrorBodyBytes, maxMs: limits.maxErrorBodyMs, clock };
    return new HttpRefusal(response, await readHead(response, head));
  }
}

function violation(message: string): ResilientMcpError {
  return new ResilientMcpError('PROTOCOL_VIOLATION', message);
}
