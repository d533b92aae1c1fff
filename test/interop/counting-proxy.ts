import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Stands in front of a server whose program is fixed, and counts the calls that the server did not refuse, by their
 * keys. A call whose answer never came is counted too: it may have run.
 */
export class CountingProxy implements AsyncDisposable {
  readonly #target: number;
  readonly #server = createServer((incoming, outgoing) => this.#pass(incoming, outgoing));
  readonly #keys: RegExp;
  readonly #runs: string[] = [];
  #port = 0;

  /** @param keys matches the key in the body of a call */
  constructor(target: number, keys: RegExp) {
    this.#target = target;
    this.#keys = keys;
    // As with most servers, what is kept open is not closed by idleness within a scenario.
    this.#server.keepAliveTimeout = 60_000;
  }

  /** Listens, on the same port each time. */
  async open(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  get port(): number {
    return this.#port;
  }

  /** The keys of the calls that have run, oldest first. */
  get runs(): readonly string[] {
    return this.#runs;
  }

  /** Refuses connections, as the server behind it does while it is away. */
  async shut(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shut();
  }

  async #pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    try {
      for await (const part of incoming) parts.push(part);
    } catch {
      return; // The client went away before it had sent it all.
    }
    const body = Buffer.concat(parts);
    const key = this.#keys.exec(body.toString('utf8'))?.[0];
    const { method, url, rawHeaders } = incoming;
    const forwarded = request({
      ...{ port: this.#target, host: '127.0.0.1', method, path: url, headers: rawHeaders },
      // A connection of its own: one that was kept from before a restart would look like a call that was cut.
      agent: false,
    });
    outgoing.once('close', () => forwarded.destroy());
    forwarded.once('response', (answer) => {
      if (key !== undefined && (answer.statusCode ?? 0) < 300) this.#runs.push(key);
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders).flushHeaders();
      answer.once('error', () => outgoing.destroy());
      answer.pipe(outgoing);
    });
    forwarded.once('error', (error: NodeJS.ErrnoException) => {
      const neverArrived = error.code === 'ECONNREFUSED' || outgoing.headersSent;
      if (key !== undefined && !neverArrived) this.#runs.push(key);
      outgoing.destroy();
    });
    forwarded.end(body);
  }
}
