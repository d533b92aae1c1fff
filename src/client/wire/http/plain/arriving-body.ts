import type { HttpBody, HttpBodyReader } from '../../../../base/http-client.ts';

/** How much of a body is read before somebody wants it, in bytes. */
export const MAX_UNREAD_BYTES = 64 * 1024;

/** Where a body comes from. */
export interface BodySource {
  /** Enough is there for now; or more is wanted. */
  pause(): void;
  resume(): void;
  /** Nobody wants the rest. */
  drop(): void;
}

type End = { readonly error: unknown } | 'whole';

/** A body as it arrives, to be read a chunk at a time. */
export class ArrivingBody implements HttpBody, HttpBodyReader {
  readonly #source: BodySource;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isPaused = false;
  #end: End | undefined;
  #wake: (() => void) | undefined;

  constructor(source: BodySource) {
    this.#source = source;
  }

  /** Whether all of it has arrived: it costs nobody a connection to let it go. */
  get isWhole(): boolean {
    return this.#end === 'whole';
  }

  push(chunk: Uint8Array): void {
    if (this.#end) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes >= MAX_UNREAD_BYTES && !this.#isPaused) {
      // Until it is read: a body may be larger than anybody wants to hold.
      this.#isPaused = true;
      this.#source.pause();
    }
    this.#wake?.();
  }

  finish(end: End): void {
    this.#end ??= end;
    this.#wake?.();
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
      await this.#more();
    }
  }

  async cancel(): Promise<void> {
    const isWhole = this.#end === 'whole';
    this.finish('whole');
    this.#chunks.length = 0;
    if (!isWhole) this.#source.drop();
  }

  #more(): Promise<void> {
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#source.resume();
    }
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
