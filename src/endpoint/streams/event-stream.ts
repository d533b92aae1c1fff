import type { Clock } from '../../base/environment.ts';
import { ResilientMcpError } from '../../protocol/errors.ts';
import { eventText, markText } from '../../protocol/events/event-text.ts';

/** Interval of keep-alives on a stream without events, in ms; the same as the SDK's. */
const KEEP_ALIVE_MS = 15_000;

/**
 * Maximum size of data that waits for a client that does not read, in bytes, beside one event, which may be
 * longer. Over that its connection is closed. The event log bounds what is kept, and the client can resume
 * from it.
 */
export const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

/** The headers of an answer that is an event stream. */
export const streamHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

const encoder = new TextEncoder();

/** The body of an answer that is written event by event (WHATWG HTML, server-sent events). */
export class EventStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #clock: Clock;
  readonly #onGone: () => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #cancelKeepAlive: () => void = () => {};
  /** Length of the longest event written, in bytes. */
  #longest = 0;

  /** @param onGone called when the client has left before the end */
  constructor(clock: Clock, onGone: () => void) {
    this.#clock = clock;
    this.#onGone = onGone;
    const source = {
      start: (controller: ReadableStreamDefaultController<Uint8Array>) => {
        this.#controller = controller;
      },
      cancel: () => this.#leave(),
    };
    const limit = new ByteLengthQueuingStrategy({ highWaterMark: MAX_UNREAD_BYTES });
    this.body = new ReadableStream<Uint8Array>(source, limit);
    this.#keepAlive();
  }

  /** Writes a message. @param id of the event; empty for none */
  message(text: string, id: string): void {
    this.#write(eventText(text, id));
  }

  /** Writes an event without a message, from which a client can resume if the stream breaks. */
  mark(id: string): void {
    this.#write(markText(id));
  }

  end(): void {
    this.#controller?.close();
    this.#stop();
  }

  #write(text: string): void {
    const controller = this.#controller;
    if (!controller) return;
    if ((controller.desiredSize ?? 0) + this.#longest > 0) {
      const event = encoder.encode(text);
      this.#longest = Math.max(this.#longest, event.length);
      controller.enqueue(event);
      return;
    }
    controller.error(new ResilientMcpError('LIMIT_EXCEEDED', 'The client does not read its event stream.'));
    this.#leave();
  }

  #leave(): void {
    this.#stop();
    this.#onGone();
  }

  #stop(): void {
    this.#controller = undefined;
    this.#cancelKeepAlive();
  }

  #keepAlive(): void {
    const again = () => {
      this.#write(': keepalive\n\n');
      this.#keepAlive();
    };
    this.#cancelKeepAlive = this.#clock.after(KEEP_ALIVE_MS, again, { background: true });
  }
}
