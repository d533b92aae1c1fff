import type { IncomingMessage, ServerResponse } from 'node:http';
import { eventText } from '../../protocol/events/event-text.ts';
import type { RequestId } from '../../protocol/message.ts';
import { textOf } from '../../protocol/text/message-text.ts';
import { WholeEvents } from './whole-events.ts';

/** What belongs to one connection and not to the message on it (RFC 9110, 7.6.1). */
export const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** JSON-RPC's code for what the server's machinery, not its methods, could not do. */
const SERVER_ERROR = -32_000;
/** The largest answer that is put into an open event stream, in bytes. */
const MAX_WRAPPED_BYTES = 4 * 1024 * 1024;

/** The answer to one client. It may come from several processes, one after the other; its head comes from the first. */
export class ClientAnswer {
  readonly #response: ServerResponse;
  #events: WholeEvents | undefined;
  #isPlain = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** True when the client has a part of something that no other process can continue. */
  get isBroken(): boolean {
    return this.#isPlain || (this.#events?.isBroken ?? false);
  }

  /** Passes one process's answer on. Resolves with whether it came to its end. */
  async take(upstream: IncomingMessage): Promise<boolean> {
    if (!this.#response.headersSent) this.#writeHead(upstream);
    else if (!isEventStream(upstream)) return this.#wrap(upstream);
    try {
      for await (const chunk of upstream) await this.#write(this.#events ? this.#events.take(chunk) : chunk);
      return true;
    } catch {
      this.#events?.drop();
      return false;
    }
  }

  end(): void {
    this.#response.end();
  }

  /** Says that the rest is missing, the only way there is once a status has been sent. */
  breakOff(): void {
    this.#response.destroy();
  }

  /** Answers with an error, in whatever the client is reading now. */
  refuse(
    status: number,
    id: RequestId | null,
    message: string,
    retryAfterSeconds?: number,
    headers: Readonly<Record<string, string>> = {},
  ): void {
    if (this.#response.destroyed) return;
    const body = textOf({ jsonrpc: '2.0', id, error: { code: SERVER_ERROR, message } });
    if (!this.#response.headersSent) {
      if (retryAfterSeconds !== undefined) this.#response.setHeader('retry-after', retryAfterSeconds);
      this.#response.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(body);
    } else if (id !== null && !this.isBroken) this.#response.end(eventOf(body));
    else this.#response.end();
  }

  #writeHead(upstream: IncomingMessage): void {
    const { statusCode = 502, headersDistinct } = upstream;
    for (const [name, values = []] of Object.entries(headersDistinct)) {
      if (!hopByHop.has(name)) this.#response.setHeader(name, values);
    }
    this.#response.statusCode = statusCode;
    // The head of an event stream is its first news.
    this.#response.flushHeaders();
    if (isEventStream(upstream)) this.#events = new WholeEvents();
    else this.#isPlain = true;
  }

  /** An answer that is no event stream, for a client that is reading one already. */
  async #wrap(upstream: IncomingMessage): Promise<boolean> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of upstream) {
        bytes += chunk.length;
        if (bytes <= MAX_WRAPPED_BYTES) chunks.push(chunk);
      }
    } catch {
      return false;
    }
    const body = Buffer.concat(chunks).toString();
    if (upstream.headers['content-type']?.startsWith('application/json')) await this.#write(eventOf(body));
    return true;
  }

  async #write(bytes: Buffer | string): Promise<void> {
    if (bytes.length === 0 || this.#response.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#response.off('drain', done).off('close', done);
        resolve();
      };
      this.#response.once('drain', done).once('close', done);
    });
  }
}

function isEventStream({ headers }: IncomingMessage): boolean {
  return headers['content-type']?.startsWith('text/event-stream') ?? false;
}

function eventOf(json: string): string {
  return eventText(json.replaceAll(/[\r\n]+/g, ' '));
}
