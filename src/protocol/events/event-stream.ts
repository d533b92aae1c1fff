import { createParser } from 'eventsource-parser';
import { isResilientMcpError, ResilientMcpError } from '../errors.ts';
import type { ScannedMessage } from '../text/envelope-scan.ts';
import { LongEvent, lastEventStart, tailOf } from './long-event.ts';

/** One event of a stream. */
export interface StreamEvent {
  readonly data: string;
  /** `message` when the server named none. */
  readonly event: string;
}

/** Longest message that is skipped, as a multiple of the limit. A longer one counts as endless. */
export const MAX_TIMES_LIMIT = 16;

export interface EventStreamOptions {
  /** The longest event, and the longest line, in UTF-16 code units. More is `LIMIT_EXCEEDED`. */
  readonly maxEventLength: number;
  readonly onEvent: (event: StreamEvent) => void;
  /** An event id, also of an event without data (the priming event of SEP-1699). Comes before its `onEvent`. */
  readonly onId?: (id: string) => void;
  /** `retry:` in ms: how long to wait before connecting again. */
  readonly onRetry?: (ms: number) => void;
  /**
   * Told of each message within an event that is longer than allowed, as far as it can be told; the event is passed
   * over, unless it goes on for {@link MAX_TIMES_LIMIT} times what is allowed. Without it, `feed` throws at the limit.
   */
  readonly onTooLong?: (message: ScannedMessage, error: ResilientMcpError) => void;
}

/** Bytes in any chunking go in by `feed`; events come out by the callbacks. Pure: no I/O, no timers. */
export interface EventStreamReader {
  /** @throws ResilientMcpError `LIMIT_EXCEEDED`, unless `onTooLong` takes it */
  feed(chunk: Uint8Array): void;
  /**
   * The event that was begun and lacks its blank line, once no more will come. By the HTML standard it is none: the
   * caller has to see whether it is whole. Its id is not told.
   */
  rest(): StreamEvent | undefined;
}

export function createEventStreamReader(options: EventStreamOptions): EventStreamReader {
  const { onTooLong } = options;
  return onTooLong ? new LenientReader(options, onTooLong) : createStrictReader(options);
}

function createStrictReader(options: EventStreamOptions): EventStreamReader {
  const decode = decoderOfChunks();
  let isOver = false;
  let rest: StreamEvent | undefined;
  let failure: ResilientMcpError | undefined;
  const parser = createParser({
    maxBufferSize: options.maxEventLength,
    onEvent: ({ data, event = 'message' }) => {
      if (isOver) rest = { data, event };
      else options.onEvent({ data, event });
    },
    onId: (id) => (isOver ? undefined : options.onId?.(id)),
    onRetry: (ms) => (isOver ? undefined : options.onRetry?.(ms)),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') {
        failure = new ResilientMcpError(
          'LIMIT_EXCEEDED',
          `An event of the stream is longer than ${options.maxEventLength} characters (option limits.maxEventLength, --max-message on the command line).`,
          { cause: error },
        );
      }
      // Unknown fields and an unusable retry are to be ignored (HTML standard, event stream interpretation).
    },
  });
  return {
    feed(chunk) {
      parser.feed(decode(chunk));
      if (failure) throw failure;
    },
    rest() {
      if (isOver || failure) return rest;
      isOver = true;
      parser.feed('\n\n');
      return rest;
    },
  };
}

const wholeChunk = new TextDecoder();
const laterChunk = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Decodes chunks of UTF-8 of one stream. What ends with a letter of ASCII ends with a whole letter, and needs no
 * decoder of its own that remembers the rest: most answers are one such chunk.
 */
function decoderOfChunks(): (chunk: Uint8Array) => string {
  let isFirst = true;
  let remembering: InstanceType<typeof TextDecoder> | undefined;
  return (chunk) => {
    const endsWhole = (chunk.at(-1) ?? 0) < 0x80;
    if (!remembering && !endsWhole) remembering = new TextDecoder('utf-8', { ignoreBOM: !isFirst });
    const text = remembering
      ? remembering.decode(chunk, { stream: true })
      : (isFirst ? wholeChunk : laterChunk).decode(chunk);
    if (chunk.length > 0) isFirst = false;
    return text;
  };
}

/** Continues after an event that is too long. */
class LenientReader implements EventStreamReader {
  readonly #options: EventStreamOptions;
  readonly #onTooLong: NonNullable<EventStreamOptions['onTooLong']>;
  #reader: EventStreamReader;
  /** The chunks that hold the event that has begun; they are the reader's as well, and of no event that is whole. */
  #begun: Uint8Array[] = [];
  #begunLength = 0;
  /** The last bytes before the next chunk. */
  #tail: Uint8Array = new Uint8Array();
  #long: LongEvent | undefined;
  #passedOver = 0;
  #tooLong: ResilientMcpError | undefined;

  constructor(options: EventStreamOptions, onTooLong: NonNullable<EventStreamOptions['onTooLong']>) {
    this.#options = options;
    this.#onTooLong = onTooLong;
    this.#reader = createStrictReader(options);
  }

  feed(chunk: Uint8Array): void {
    if (this.#long) {
      this.#passOver([chunk]);
      return;
    }
    try {
      this.#reader.feed(chunk);
      this.#hold(chunk);
    } catch (error) {
      if (!isResilientMcpError(error, 'LIMIT_EXCEEDED')) throw error;
      this.#begin(chunk, error);
    }
  }

  /** Comments without an end would add up, and are no event. */
  #hold(chunk: Uint8Array): void {
    const start = lastEventStart(chunk, this.#tail);
    this.#tail = tailOf(this.#tail, chunk);
    if (start !== undefined || this.#begunLength > 4 * this.#options.maxEventLength) {
      this.#begun = [];
      this.#begunLength = 0;
    }
    const part = chunk.subarray(start ?? 0);
    if (part.length > 0) this.#begun.push(part);
    this.#begunLength += part.length;
  }

  rest(): StreamEvent | undefined {
    return this.#long ? undefined : this.#reader.rest();
  }

  #begin(chunk: Uint8Array, error: ResilientMcpError): void {
    const held =
      this.#begun.length > 0 ? [...this.#begun, chunk] : [chunk.subarray(lastEventStart(chunk) ?? 0)];
    this.#begun = [];
    this.#begunLength = 0;
    this.#tail = new Uint8Array();
    this.#tooLong = error;
    this.#reader = createStrictReader(this.#options);
    let isTold = false;
    const tell = (message: ScannedMessage) => {
      isTold = true;
      this.#onTooLong(message, error);
    };
    this.#long = new LongEvent(tell);
    this.#passOver(held);
    if (!this.#long && !isTold) tell({ id: undefined, isAnswer: false });
  }

  #passOver(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      if (!this.#long) {
        this.feed(chunk);
        continue;
      }
      const after = this.#long.feed(chunk);
      if (!after) {
        this.#passedOver += chunk.length;
        if (this.#passedOver > MAX_TIMES_LIMIT * this.#options.maxEventLength) throw this.#tooLong;
        continue;
      }
      this.#passedOver = 0;
      this.#long = undefined;
      if (after.length > 0) this.feed(after);
    }
  }
}
