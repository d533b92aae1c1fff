import type { Writable } from 'node:stream';
import { lineOf } from '../../protocol/text/message-text.ts';

export interface OutputOptions {
  /** Bytes that may wait for the reader; beyond that it is considered gone. */
  readonly maxWaitingBytes: number;
}

/** Where messages go to the client, one a line. Nothing else may be written there. */
export class Output {
  /** Resolves when the reader is gone. */
  readonly gone: Promise<void>;
  readonly #stream: Writable;
  readonly #options: OutputOptions;
  readonly #lost = Promise.withResolvers<void>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(stream: Writable, options: OutputOptions) {
    this.#stream = stream;
    this.#options = options;
    this.gone = this.#lost.promise;
    // EPIPE; without a listener it would end the process before the server has heard of the end.
    stream.on('error', () => this.#lost.resolve());
    stream.once('close', () => this.#lost.resolve());
  }

  /** Resolves when it was written, or never will be. */
  write(message: object): Promise<void> {
    if (this.#stream.writableLength > this.#options.maxWaitingBytes) this.#lost.resolve();
    const written = new Promise<void>((resolve) => {
      this.#stream.write(`${lineOf(message)}\n`, () => resolve());
    });
    this.#underWay.add(written);
    void written.then(() => this.#underWay.delete(written));
    return Promise.race([written, this.gone]);
  }

  /** Resolves when everything was written, or never will be. */
  async flushed(): Promise<void> {
    await Promise.race([Promise.all(this.#underWay), this.gone]);
  }
}
