import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CallTable, Handlers } from './calls.ts';

/** The largest request, in bytes. */
const BODY_LIMIT = 64 * 1024;

/** Answers the calls of one table on a free port of 127.0.0.1, to whoever knows its address. */
export class CallEndpoint<Calls extends CallTable<Calls>> {
  readonly #secret = randomBytes(24).toString('base64url');
  readonly #handlers: Handlers<Calls>;
  readonly #server: Server;

  private constructor(handlers: Handlers<Calls>) {
    this.#handlers = handlers;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async open<Calls extends CallTable<Calls>>(handlers: Handlers<Calls>): Promise<CallEndpoint<Calls>> {
    const endpoint = new CallEndpoint(handlers);
    endpoint.#server.listen(0, '127.0.0.1');
    await once(endpoint.#server, 'listening');
    return endpoint;
  }

  /** What a caller must know. It is a credential: it goes into the environment of the run's own processes only. */
  get address(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/${this.#secret}/`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [status, body] = await this.#answer(request).catch(
      (error: unknown) => [500, wordsOf(error)] as const,
    );
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  async #answer(request: IncomingMessage): Promise<readonly [number, unknown]> {
    const [, secret = '', name = ''] = (request.url ?? '').split('/');
    if (!isSame(secret, this.#secret) || !Object.hasOwn(this.#handlers, name)) return [404, 'no such call'];
    if (request.method !== 'POST') return [405, 'only POST'];
    const handler = this.#handlers[name as keyof Calls];
    return [200, await handler(JSON.parse(await bodyOf(request)))];
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw new Error(`A call is larger than ${BODY_LIMIT} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
