import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { HttpBody, HttpBodyReader } from '../../../../base/http-client.ts';

/** How much of a body is read before somebody wants it, in bytes. */
const MAX_UNREAD_BYTES = 64 * 1024;

type Signal = RequestInit['signal'];

/** The body of a message of `node:http`, to be read a chunk at a time. */
export class IncomingBody implements HttpBody, HttpBodyReader {
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
export function abortError(reason: unknown): Error {
  return reason instanceof Error ? reason : new DOMException('This operation was aborted', 'AbortError');
}
