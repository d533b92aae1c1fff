import type { ServerResponse } from 'node:http';
import {
  type BrotliCompress,
  createBrotliCompress,
  createDeflate,
  createGzip,
  type Deflate,
  type Gzip,
} from 'node:zlib';
import { eventText, reset } from './reply.ts';
import type { RpcMessage } from './request.ts';

/** How right answers are put on the wire. Every combination is one that servers in the world use. */
export interface AnswerStyle {
  /** Event streams, or plain JSON bodies. Default `sse`. */
  readonly answers: 'sse' | 'json';
  /** Whether events carry ids, so that a cut stream can be resumed; each stream then opens with an empty event. Default false. */
  readonly eventIds: boolean;
  /** The `retry:` field of the opening event, in ms; none by default. */
  readonly retryMs: number | undefined;
  /** Content coding of every right answer; none by default. */
  readonly compress: 'gzip' | 'br' | 'deflate' | undefined;
  /** Bodies go out in chunks of so many bytes, through the middle of fields, lines and characters; whole by default. */
  readonly chunkBytes: number | undefined;
}

export const plainStyle: AnswerStyle = {
  answers: 'sse',
  eventIds: false,
  retryMs: undefined,
  compress: undefined,
  chunkBytes: undefined,
};

/** Where the body of a right answer is written to. */
export interface BodySink {
  write(text: string): void;
  end(): void;
}

/** The headers that the style adds to an answer. */
export function styleHeaders(style: AnswerStyle): Record<string, string> {
  return style.compress === undefined ? {} : { 'content-encoding': style.compress };
}

/** Opens the body of an answer whose head was written. */
export function bodySink(response: ServerResponse, style: AnswerStyle): BodySink {
  const send = (bytes: Buffer) => {
    const size = style.chunkBytes ?? Math.max(bytes.length, 1);
    for (let at = 0; at < bytes.length; at += size) response.write(bytes.subarray(at, at + size));
  };
  const coder = compressor(style.compress);
  if (!coder) return { write: (text) => send(Buffer.from(text)), end: () => response.end() };
  coder.on('data', send).once('end', () => response.end());
  return {
    write(text) {
      coder.write(text);
      // Without a flush a small event would stay in the compressor until the stream ends.
      coder.flush();
    },
    end: () => coder.end(),
  };
}

function compressor(coding: AnswerStyle['compress']): Gzip | BrotliCompress | Deflate | undefined {
  if (coding === 'gzip') return createGzip();
  if (coding === 'br') return createBrotliCompress();
  return coding === 'deflate' ? createDeflate() : undefined;
}

/**
 * One event stream: the answer to a POST, or a session's standalone stream. What is sent is kept, so that a stream with
 * ids can be resumed from any of them on another connection.
 */
export class AnswerStream {
  readonly #name: string;
  readonly #style: AnswerStyle;
  readonly #events: string[] = [];
  #response: ServerResponse | undefined;
  #sink: BodySink | undefined;
  #finished = false;

  /** @param name unique among the streams of a server; event ids begin with it */
  constructor(name: string, style: AnswerStyle) {
    this.#name = name;
    this.#style = style;
    if (style.eventIds) this.#keep(undefined);
  }

  /** True while a client is attached to it. */
  get open(): boolean {
    return this.#response !== undefined;
  }

  /** Writes the head and every event after the one numbered `after`, and goes on from there. */
  attach(response: ServerResponse, headers: Readonly<Record<string, string>>, after = 0): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      ...headers,
      ...styleHeaders(this.#style),
    });
    response.flushHeaders();
    this.#response = response;
    this.#sink = bodySink(response, this.#style);
    response.once('close', () => {
      if (this.#response === response) this.#detach();
    });
    for (const event of this.#events.slice(after)) this.#sink.write(event);
    if (this.#finished) this.#endSink();
  }

  /** Sends a message, or keeps it for a resumption when no client is attached. */
  send(message: RpcMessage): void {
    const event = this.#keep(message);
    this.#sink?.write(event);
  }

  /** Writes a comment, as servers do to keep a stream alive; it is no event. */
  beat(): void {
    this.#sink?.write(': beat\n\n');
  }

  /** Nothing more will come. */
  finish(): void {
    this.#finished = true;
    this.#endSink();
  }

  /** Ends this connection only, in good order or by a reset; what follows is kept. */
  cut(how: 'end' | 'reset'): void {
    const response = this.#response;
    if (!response) return;
    if (how === 'end') this.#endSink();
    // The head and the events so far must be with the client before the connection breaks.
    else response.write('', () => reset(response));
    this.#detach();
  }

  #keep(message: RpcMessage | undefined): string {
    const { eventIds, retryMs } = this.#style;
    const id = eventIds ? { id: `${this.#name}.${this.#events.length + 1}` } : {};
    const retry = message === undefined && retryMs !== undefined ? { retryMs } : {};
    const text = eventText(message, { ...id, ...retry });
    this.#events.push(text);
    return text;
  }

  #endSink(): void {
    this.#sink?.end();
    this.#detach();
  }

  #detach(): void {
    this.#response = undefined;
    this.#sink = undefined;
  }
}

/** The stream's name and the event's number, from an event id; undefined when it has not the form of one. */
export function parseEventId(id: string): { stream: string; event: number } | undefined {
  const parts = /^(.+)\.(\d+)$/.exec(id);
  return parts?.[1] === undefined ? undefined : { stream: parts[1], event: Number(parts[2]) };
}
