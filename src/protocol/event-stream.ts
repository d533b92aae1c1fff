import { createParser } from 'eventsource-parser';
import { ResilientMcpError } from './errors.ts';

/** One event of a stream. */
export interface StreamEvent {
  readonly data: string;
  /** `message` when the server named none. */
  readonly event: string;
}

export interface EventStreamOptions {
  /** The longest event, and the longest line, in UTF-16 code units. More is `LIMIT_EXCEEDED`. */
  readonly maxEventLength: number;
  readonly onEvent: (event: StreamEvent) => void;
  /** An event id, also of an event without data (the priming event of SEP-1699). Comes before its `onEvent`. */
  readonly onId?: (id: string) => void;
  /** `retry:` in ms: how long to wait before connecting again. */
  readonly onRetry?: (ms: number) => void;
}

/** Bytes in any chunking go in by `feed`; events come out by the callbacks. Pure: no I/O, no timers. */
export interface EventStreamReader {
  /** @throws ResilientMcpError `LIMIT_EXCEEDED` */
  feed(chunk: Uint8Array): void;
  /**
   * The event that was begun and lacks its blank line, once no more will come. By the HTML standard it is none: the
   * caller has to see whether it is whole. Its id is not told.
   */
  rest(): StreamEvent | undefined;
}

export function createEventStreamReader(options: EventStreamOptions): EventStreamReader {
  const decoder = new TextDecoder();
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
          `An event of the stream is longer than ${options.maxEventLength} characters (option limits.maxEventLength).`,
          { cause: error },
        );
      }
      // Unknown fields and an unusable retry are to be ignored (HTML standard, event stream interpretation).
    },
  });
  return {
    feed(chunk) {
      parser.feed(decoder.decode(chunk, { stream: true }));
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
