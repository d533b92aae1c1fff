export interface LineSinks {
  /** A line without its end; never a blank one. */
  readonly onLine: (line: string) => void;
  /** The head of a line that is longer than allowed. */
  readonly onTooLong: (head: Uint8Array) => void;
  /** What comes of such a line after its head. It is not kept. */
  readonly onRest?: (part: Uint8Array) => void;
}

const NEWLINE = 0x0a;

/** Splits chunks of UTF-8 bytes into lines, with a bound on the length of a line. */
export class Lines {
  readonly #maxBytes: number;
  readonly #sinks: LineSinks;
  #parts: Uint8Array[] = [];
  #length = 0;
  #isSkipping = false;

  constructor(maxBytes: number, sinks: LineSinks) {
    this.#maxBytes = maxBytes;
    this.#sinks = sinks;
  }

  feed(chunk: Uint8Array): void {
    let rest = chunk;
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      this.#keep(rest.subarray(0, end));
      this.end();
      rest = rest.subarray(end + 1);
    }
    this.#keep(rest);
  }

  /** The line so far is whole: its end has come, or nothing more does. */
  end(): void {
    const line = new TextDecoder().decode(this.#take()).replace(/\r$/, '');
    if (!this.#isSkipping && line.trim() !== '') this.#sinks.onLine(line);
    this.#isSkipping = false;
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return;
    if (this.#isSkipping) {
      this.#sinks.onRest?.(part);
      return;
    }
    const room = this.#maxBytes - this.#length;
    this.#parts.push(part.subarray(0, room));
    this.#length += Math.min(part.length, room);
    if (part.length <= room) return;
    this.#isSkipping = true;
    this.#sinks.onTooLong(this.#take());
    this.#sinks.onRest?.(part.subarray(room));
  }

  #take(): Uint8Array {
    const [only] = this.#parts;
    const bytes = only && this.#parts.length === 1 ? only : concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    return bytes;
  }
}

/**
 * Reads lines to the end of a stream. What follows the last line break is a line too: whoever pipes a message in may
 * have left the break out. Resolves when the stream has ended or failed.
 */
export async function readLines(
  input: AsyncIterable<Uint8Array>,
  maxBytes: number,
  sinks: LineSinks,
): Promise<void> {
  const lines = new Lines(maxBytes, sinks);
  try {
    for await (const chunk of input) lines.feed(chunk);
  } catch {
    // Whoever wrote has gone without an end; what came whole has been read.
  }
  lines.end();
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
