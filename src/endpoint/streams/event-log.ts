import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';

/** The stream that a GET is answered with, under the SDK's name; every other stream is the answer to one POST. */
export const GET_STREAM = '_GET_stream';

/** The position of a client in a stream, as encoded in an event id. Any process can continue from it. */
export interface Cursor {
  /** The entry of the session's log. */
  readonly entry: string;
  readonly stream: string;
  /** The process whose server object writes to that stream. */
  readonly owner: string;
  /** Requests that this stream had not answered yet, as far as known. */
  readonly open: readonly RequestId[];
}

/** The missed events of a stream, or that they are not known. */
export interface Missed {
  readonly events: readonly { readonly id: string; readonly message: JSONRPCMessage }[];
  readonly asked: readonly RequestId[];
  /** The last entry that was read. */
  readonly entry: string;
}

/** The sent messages of one session, kept for a client that resumes a stream (resumption.ts). */
export interface EventLog {
  /**
   * Notes that a stream begins.
   * @returns the id of an event without a message, from which all else can be had; empty when it could not be kept
   */
  begin(stream: string): Promise<string>;
  /** Notes that the answer of a request goes to a stream, which has begun. */
  asked(stream: string, id: RequestId): void;
  /**
   * @param text the message as JSON
   * @returns the event's id; empty, which makes it an event without one, when it could not be kept
   */
  keep(stream: string, message: JSONRPCMessage, text: string): Promise<string>;
  /** Whether this process will still write to a stream. */
  isOpen(stream: string): boolean;
  /** Calls `listener` after each event of a stream, and at its end. Returns a function that unsubscribes. */
  onEvent(stream: string, listener: () => void): () => void;
  /** What came on a stream after a cursor; undefined when the log no longer reaches back to it. */
  missed(cursor: Pick<Cursor, 'entry' | 'stream'>): Promise<Missed | undefined>;
  /** Ends the log: this process no longer holds the session. */
  end(): void;
}

/** The cursor in an event id; undefined when the id is not ours. */
export function cursorOf(eventId: string): Cursor | undefined {
  const [entry, stream, owner = '', open = ''] = eventId.split('~');
  if (!entry || !stream) return undefined;
  try {
    const ids: unknown = open === '' ? [] : JSON.parse(Buffer.from(open, 'base64url').toString());
    return Array.isArray(ids) ? { entry, stream, owner, open: ids } : undefined;
  } catch {
    return undefined;
  }
}

/** The error for a request whose answer is lost. */
export function lost(id: RequestId, message: string): JSONRPCMessage {
  return { jsonrpc: '2.0', id, error: { code: -32603, message } };
}
