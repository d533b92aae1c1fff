import type { Readable } from 'node:stream';

const NEWLINE = 0x0a;

export interface LineReaderOptions {
  /** The longest line, in bytes. */
  readonly maxBytes: number;
  /** One line without its end; never an empty one. */
  readonly onLine: (line: string) => void;
  /** Called once for each line that is longer; it is skipped. */
  readonly onTooLong: () => void;
}

/**
 * Reads lines to the end of a stream. What follows the last line break is a line too: whoever pipes a message in may
 * have left the break out. Resolves when the stream has ended or failed.
 */
export async function readLines(input: Readable, options: LineReaderOptions): Promise<void> {
  const line = new Line(options);
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
        line.add(chunk.subarray(start, end));
        line.end();
        start = end + 1;
      }
      line.add(chunk.subarray(start));
    }
  } catch {
    // Whoever wrote has gone without an end; what came whole has been read.
  }
  line.end();
}

class Line {
  readonly #options: LineReaderOptions;
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(options: LineReaderOptions) {
    this.#options = options;
  }

  add(part: Uint8Array): void {
    if (part.length === 0) return;
    const wasTooLong = this.#isTooLong;
    this.#length += part.length;
    if (!this.#isTooLong) this.#parts.push(part);
    else if (!wasTooLong) {
      this.#parts = [];
      this.#options.onTooLong();
    }
  }

  end(): void {
    // A decoder of its own for each line: it leaves out the byte order mark that some shells begin with.
    const text = this.#isTooLong ? '' : new TextDecoder().decode(Buffer.concat(this.#parts));
    this.#parts = [];
    this.#length = 0;
    if (text.trim() !== '') this.#options.onLine(text);
  }

  get #isTooLong(): boolean {
    return this.#length > this.#options.maxBytes;
  }
}
