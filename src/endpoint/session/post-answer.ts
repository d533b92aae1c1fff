import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { Clock } from '../../base/environment.ts';
import { isResponse } from '../../protocol/message.ts';
import { lineOf, textOf } from '../../protocol/message-text.ts';
import { type EventLog, lost } from '../streams/event-log.ts';
import { EventStream } from '../streams/event-stream.ts';

/**
 * How long an answer that the server gives on a stream may take to be sent as JSON, in ms. Then it is a stream here too:
 * its client holds an event id, by which it gets the rest if its connection breaks.
 */
export const PROMPT_MS = 100;

/**
 * How long a client may wait for the head of its answer, in ms. Then it is a stream, whoever answers: clients on Node.js
 * and on Python's httpx give up what sends nothing for 300 s, and a stream can say that it is there.
 */
export const HEAD_LIMIT_MS = 240_000;

export interface PostAnswerParts {
  readonly clock: Clock;
  /** The requests that the POST has brought. */
  readonly requests: readonly RequestId[];
  /** What to send is known. Called once. */
  readonly onReady: (answer: string | EventStream) => void;
  /** Where a stream is kept; undefined when its client could not come back for it. */
  readonly log: EventLog | undefined;
  /** Names a stream there. */
  readonly newNonce: () => string;
}

/**
 * The answer to one POST. It is JSON, unless something has to be said before it, the server gives it on a stream itself, or
 * it takes so long that a client would give it up (docs/decisions/0015-passed-on-as-text.md). Messages go out in the order in which they
 * were given.
 */
export class PostAnswer {
  readonly #parts: PostAnswerParts;
  readonly #open: Set<RequestId>;
  readonly #answers: JSONRPCMessage[] = [];
  #cancelHold: () => void;
  #isExpected = false;
  #phase: 'held' | 'streaming' | 'over' = 'held';
  /** The name under which it is kept. */
  #stream = '';
  /** Undefined also once the client has left it. */
  #events: EventStream | undefined;
  /** The last that was written, or is being kept. */
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

  /** Ends the stream. What is answered later is kept for a client that comes back. */
  cut(): void {
    if (this.#phase === 'held') this.#begin();
    this.#written = this.#written.then(() => this.#endStream());
  }

  /** The session is over: nobody will answer any more. */
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
      // Without an id, where the store has failed, there is nothing to come back to.
      this.#written = began.then((id) => (id === '' ? undefined : this.#events?.mark(id)));
    }
    for (const answer of this.#answers.splice(0)) this.#write(answer);
  }

  #write(message: JSONRPCMessage): void {
    if (this.#phase === 'held') this.#begin();
    const text = lineOf(message);
    // Kept at once, so that a client which comes back finds it; written in turn.
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
