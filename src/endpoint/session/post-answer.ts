import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { Clock } from '../../base/environment.ts';
import { isResponse } from '../../protocol/message.ts';
import { lineOf, textOf } from '../../protocol/text/message-text.ts';
import { type EventLog, lost } from '../streams/event-log.ts';
import { EventStream } from '../streams/event-stream.ts';

/**
 * How long an answer that the server gives on a stream may take to be sent as JSON, in ms. After that it is a
 * stream here too: its client gets an event id, and can resume if its connection breaks.
 */
export const PROMPT_MS = 100;

/**
 * How long a client may wait for the headers of its answer, in ms. After that the answer is a stream: clients
 * on Node.js and Python's httpx abort after 300 s without data, and a stream can send keep-alives.
 */
export const HEAD_LIMIT_MS = 240_000;

export interface PostAnswerParts {
  readonly clock: Clock;
  /** Ids of the requests in the POST. */
  readonly requests: readonly RequestId[];
  /** The answer is ready to be sent. Called once. */
  readonly onReady: (answer: string | EventStream) => void;
  /** Log of the stream; undefined when its client could not resume it. */
  readonly log: EventLog | undefined;
  /** Generates the name of the stream in the log. */
  readonly newNonce: () => string;
}

/**
 * The answer to one POST. It is JSON, unless another message precedes the answer, the server itself streams
 * it, or it takes so long that a client would abort (docs/decisions/0015-passed-on-as-text.md). Messages are
 * sent in the order in which they were given.
 */
export class PostAnswer {
  readonly #parts: PostAnswerParts;
  readonly #open: Set<RequestId>;
  readonly #answers: JSONRPCMessage[] = [];
  #cancelHold: () => void;
  #isExpected = false;
  #phase: 'held' | 'streaming' | 'over' = 'held';
  /** Name of the stream in the log. */
  #stream = '';
  /** Undefined also once the client has left it. */
  #events: EventStream | undefined;
  /** The last write or log operation. */
  #written: Promise<void> = Promise.resolve();

  constructor(parts: PostAnswerParts) {
    this.#parts = parts;
    this.#open = new Set(parts.requests);
    this.#cancelHold = parts.clock.after(HEAD_LIMIT_MS, () => this.#begin(), { background: true });
  }

  /** The server answers one of the requests with a stream. */
  expectStream(): void {
    if (this.#phase !== 'held' || this.#isExpected) return;
    this.#isExpected = true;
    this.#cancelHold();
    this.#cancelHold = this.#parts.clock.after(PROMPT_MS, () => this.#begin(), { background: true });
  }

  /** Sends a message, the answer to one of the requests or one about it. Resolves when it is sent, or kept. */
  send(message: JSONRPCMessage): Promise<void> {
    const answered = isResponse(message) ? message.id : undefined;
    if (answered != null) this.#open.delete(answered);
    if (this.#phase === 'held' && answered !== undefined) this.#answers.push(message);
    else this.#write(message);
    if (this.#open.size === 0) this.#finish();
    return this.#written;
  }

  /** Ends the stream. Later answers are kept for a client that resumes it. */
  cut(): void {
    if (this.#phase === 'held') this.#begin();
    this.#written = this.#written.then(() => this.#endStream());
  }

  /** The session has ended: there will be no further answers. */
  abandon(): void {
    if (this.#phase === 'held') for (const id of this.#open) this.#answers.push(lost(id, sessionOver));
    this.#finish();
  }

  #finish(): void {
    this.#cancelHold();
    const { onReady } = this.#parts;
    const [first, ...more] = this.#answers;
    if (this.#phase === 'held' && first)
      onReady(more.length > 0 ? `[${this.#answers.map(textOf).join(',')}]` : textOf(first));
    else this.#written = this.#written.then(() => this.#endStream());
    this.#phase = 'over';
  }

  #begin(): void {
    this.#cancelHold();
    this.#phase = 'streaming';
    const { clock, requests, onReady, log, newNonce } = this.#parts;
    const events = new EventStream(clock, () => {
      this.#events = undefined;
    });
    this.#events = events;
    onReady(events);
    if (log) {
      this.#stream = newNonce();
      const began = log.begin(this.#stream);
      for (const id of requests) log.asked(this.#stream, id);
      // An empty id means that the store has failed: there is nothing to resume.
      this.#written = began.then((id) => (id === '' ? undefined : this.#events?.mark(id)));
    }
    for (const answer of this.#answers.splice(0)) this.#write(answer);
  }

  #write(message: JSONRPCMessage): void {
    if (this.#phase === 'held') this.#begin();
    const text = lineOf(message);
    // Kept at once, so that a client that resumes finds it; written in turn.
    const kept = this.#parts.log?.keep(this.#stream, message, text) ?? '';
    this.#written = this.#written.then(async () => {
      const id = await kept;
      this.#events?.message(text, id);
    });
  }

  #endStream(): void {
    this.#events?.end();
    this.#events = undefined;
  }
}

const sessionOver =
  'The session ended while this request was under way. It may or may not have run; it was not run again.';
