import type { ServerResponse } from 'node:http';
import type { HttpAnswer } from '../http.ts';

/** The reason of an aborted request or stream. Shared, since creating an error is slow. */
export const clientIsGone = new Error('The client is gone.');

/**
 * Maximum size of the part of an answer that is held back, in bytes, in case it completes before anything is
 * sent.
 */
const MAX_HELD_BYTES = 64 * 1024;

/** Maximum size of an answer that is written at once without backpressure, in bytes. */
const MAX_UNWATCHED_BYTES = 16 * 1024;

/** Sends an answer. Resolves when it has been sent, has failed, or its client is gone; never rejects for these. */
export async function sendAnswer(answer: HttpAnswer, outgoing: ServerResponse): Promise<void> {
  if (typeof answer.body !== 'object') return sendText(answer, answer.body, outgoing);
  const reader = answer.body.getReader();
  // The answer was already sent, for example by a timeout middleware.
  if (outgoing.headersSent) return reader.cancel(clientIsGone).catch(() => {});
  // Cancelling frees the server's end of a stream whose client has gone.
  const cancel = () => void reader.cancel(clientIsGone).catch(() => {});
  if (outgoing.closed) cancel();
  outgoing.once('close', cancel);
  const sending = new Sending(answer, outgoing);
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      if (!sending.write(chunk.value)) await drained(outgoing);
    }
    sending.end();
  } catch {
    // The headers already report success: closing the connection is the only way left to report the failure.
    sending.begin();
    // What has been written is sent at the next tick.
    process.nextTick(() => outgoing.destroy());
  } finally {
    outgoing.off('close', cancel);
  }
}

/** Sends the text at once with its length: node:http then sends it with the headers. */
async function sendText(
  { status, headers }: HttpAnswer,
  text: string | undefined,
  outgoing: ServerResponse,
): Promise<void> {
  if (outgoing.headersSent) return;
  if (text === undefined) {
    outgoing.writeHead(status, headers).end();
    return;
  }
  const length = Buffer.byteLength(text);
  outgoing.writeHead(status, { ...headers, 'content-length': length });
  // One that has been ended counts as sent for node:http, and is cut when its server is closed.
  if (length > MAX_UNWATCHED_BYTES && !outgoing.write(text)) await drained(outgoing);
  outgoing.end(length > MAX_UNWATCHED_BYTES ? undefined : text);
}

/**
 * An answer on its way out. Most are complete a few promises after they were begun: these go out in one piece, with
 * their length, where headers, each event and an end would be three. So nothing is sent until all that needs no
 * waiting has been done. Then the headers go, for those of an event stream are its first news, and chunk after chunk.
 */
class Sending {
  readonly #answer: HttpAnswer;
  readonly #outgoing: ServerResponse;
  #held: Uint8Array[] | undefined = [];
  #heldBytes = 0;

  constructor(answer: HttpAnswer, outgoing: ServerResponse) {
    this.#answer = answer;
    this.#outgoing = outgoing;
    process.nextTick(() => this.begin());
  }

  /** @returns whether more can be taken at once */
  write(chunk: Uint8Array): boolean {
    if (!this.#held) return this.#outgoing.write(chunk);
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    return this.#heldBytes <= MAX_HELD_BYTES || this.begin();
  }

  /** Sends what was held back. @returns whether more can be taken at once */
  begin(): boolean {
    const held = this.#held;
    if (!held) return true;
    this.#held = undefined;
    this.#outgoing.writeHead(this.#answer.status, this.#answer.headers);
    // The first chunk takes them along.
    if (held.length === 0) this.#outgoing.flushHeaders();
    return held.map((chunk) => this.#outgoing.write(chunk)).at(-1) ?? true;
  }

  end(): void {
    const held = this.#held;
    if (!held) {
      this.#outgoing.end();
      return;
    }
    this.#held = undefined;
    const { status, headers } = this.#answer;
    const [first] = held;
    this.#outgoing.writeHead(status, { 'content-length': this.#heldBytes, ...headers });
    this.#outgoing.end(held.length === 1 ? first : Buffer.concat(held));
  }
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (outgoing.closed) return resolve();
    const done = () => {
      outgoing.off('drain', done).off('close', done);
      resolve();
    };
    outgoing.on('drain', done).on('close', done);
  });
}
