import type { RpcMessage } from './scripted/request.ts';

export interface StreamEvent {
  /** Empty when it has none. */
  readonly id: string;
  /** Empty for an event that says only from where the stream can be resumed. */
  readonly data: string;
}

/** An event stream, read event by event, however they come in chunks. */
export class EventReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #decoder = new TextDecoder();
  #text = '';

  constructor({ body }: Response) {
    this.#reader = body?.getReader();
  }

  /** Undefined at the end of the stream. */
  async next(): Promise<StreamEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const event = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        const field = (name: string) => new RegExp(`(?<=^|\\n)${name}: ([^\\n]*)`).exec(event)?.[1] ?? '';
        return { id: field('id'), data: field('data') };
      }
      const { done, value } = (await this.#reader?.read()) ?? { done: true, value: undefined };
      if (done) return undefined;
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  /** The next message; events without one are passed over. */
  async message(): Promise<RpcMessage> {
    for (let event = await this.next(); event; event = await this.next()) {
      if (event.data !== '') return JSON.parse(event.data);
    }
    throw new Error('the stream has ended');
  }

  async leave(): Promise<void> {
    await this.#reader?.cancel();
  }
}
