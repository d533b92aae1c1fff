import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { isMessage, isResponse } from '../protocol/message.ts';
import type { QuestionTag } from './question-tag.ts';
import type { Records } from './records.ts';
import type { LogLimits } from './store.ts';

/** The stream that the SDK answers a GET with; every other stream is the answer to one POST. */
export const GET_STREAM = '_GET_stream';

/** What an event id says of where its client was, so that any process can go on from there. */
export interface Cursor {
  /** The entry of the session's log. */
  readonly entry: string;
  readonly stream: string;
  /** The process whose server object writes to that stream. */
  readonly owner: QuestionTag;
  /** Requests that this stream had still to answer, as far as was known. */
  readonly open: readonly RequestId[];
}

/** One entry of a session's log: a message that was sent, one too large to keep, or a request that came in. */
interface Entry {
  readonly stream: string;
  readonly message?: JSONRPCMessage;
  /** The answer to this request was too large. */
  readonly tooLarge?: RequestId | null;
  readonly asked?: RequestId;
}

export interface EventLogOptions {
  readonly name: string;
  readonly owner: QuestionTag;
  readonly records: Records;
  readonly limits: LogLimits;
  /** The longest message that is kept, in characters of JSON. */
  readonly maxLength: number;
}

/** What was missed on a stream, or that it cannot be known. */
export interface Missed {
  readonly events: readonly { readonly id: string; readonly message: JSONRPCMessage }[];
  readonly asked: readonly RequestId[];
  /** The last entry that was looked at. */
  readonly entry: string;
}

/** The request whose messages are being handed out: the SDK does not tell its event store to which one a stream belongs. */
const posts = new AsyncLocalStorage<{ stream?: string }>();

/**
 * The events of one session, in the manager's store, behind the SDK's `EventStore`. It only writes them: what a client
 * missed is read by `resume` (resumption.ts), which can also go on where another process has left off.
 */
export class EventLog implements EventStore {
  readonly #options: EventLogOptions;
  readonly #open = new Map<string, Set<RequestId>>();
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(options: EventLogOptions) {
    this.#options = options;
  }

  /** Runs what handles one POST, so that `asked` knows its stream. */
  during<T>(act: () => Promise<T>): Promise<T> {
    return posts.run({}, act);
  }

  /** Notes to which stream the answer of a request goes. */
  asked(id: RequestId): void {
    const stream = posts.getStore()?.stream;
    if (stream === undefined) return;
    this.#open.get(stream)?.add(id);
    void this.#append(stream, `"asked":${JSON.stringify(id)}`);
  }

  /** Whether this process has still to write to a stream. */
  isOpen(stream: string): boolean {
    return stream === GET_STREAM || this.#open.has(stream);
  }

  /** Nobody writes here any more: the session is no longer held by this process. */
  end(): void {
    this.#open.clear();
    for (const stream of [...this.#listeners.keys()]) this.#tell(stream);
  }

  /** Calls `listener` after each event of a stream, and when it is over. Gives back what ends that. */
  onEvent(stream: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(stream) ?? new Set();
    this.#listeners.set(stream, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(stream);
    };
  }

  /** @returns the event's id; empty, which makes it an event without one, when the store fails */
  async storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    if (!isMessage(message)) this.#begin(stream);
    const text = JSON.stringify(message);
    const isTooLarge = text.length > this.#options.maxLength;
    const id = isResponse(message) ? (message.id ?? null) : null;
    // The text that was made to measure it is kept: a large answer takes its time to be written.
    const entry = await this.#append(
      stream,
      isTooLarge ? `"tooLarge":${JSON.stringify(id)}` : `"message":${text}`,
    );
    if (id !== null) this.#answered(stream, id);
    this.#tell(stream);
    return entry === '' ? '' : this.#cursor(entry, stream);
  }

  /** Never asked for: the session answers a GET with `Last-Event-ID` itself. */
  async replayEventsAfter(): Promise<string> {
    throw new Error('The companion replays events itself.');
  }

  /** What came on a stream after a cursor; undefined when the log no longer reaches back to it. */
  async missed({ entry, stream }: Pick<Cursor, 'entry' | 'stream'>): Promise<Missed | undefined> {
    const { records, name } = this.#options;
    const entries = await records.read('read events', undefined, (store) => store.readAfter(name, entry));
    if (!entries) return undefined;
    const found = entries.map(({ id, value }) => ({ id, ...(JSON.parse(value) as Entry) }));
    const own = found.filter((each) => each.stream === stream);
    return {
      asked: own.flatMap(({ asked }) => (asked === undefined ? [] : [asked])),
      events: own.flatMap(({ id, message, tooLarge }) => {
        const said = tooLarge == null ? message : lost(tooLarge, 'The answer was too large to be kept.');
        return isMessage(said) ? [{ id: this.#cursor(id, stream), message: said }] : [];
      }),
      entry: entries.at(-1)?.id ?? entry,
    };
  }

  #tell(stream: string): void {
    for (const listener of [...(this.#listeners.get(stream) ?? [])]) listener();
  }

  #begin(stream: string): void {
    const post = posts.getStore();
    if (post) post.stream = stream;
    this.#open.set(stream, new Set());
  }

  #answered(stream: string, id: RequestId): void {
    const open = this.#open.get(stream);
    open?.delete(id);
    if (open?.size === 0) this.#open.delete(stream);
  }

  /** @param what the rest of an {@link Entry}, as JSON */
  #append(stream: string, what: string): Promise<string> {
    const { records, name, limits } = this.#options;
    const entry = `{"stream":${JSON.stringify(stream)},${what}}`;
    return records.read('keep an event', '', (store) => store.append(name, entry, limits));
  }

  #cursor(entry: string, stream: string): string {
    if (stream === GET_STREAM) return `${entry}~${stream}`;
    const open = Buffer.from(JSON.stringify([...(this.#open.get(stream) ?? [])])).toString('base64url');
    return `${entry}~${stream}~${this.#options.owner}~${open}`;
  }
}

/** What an event id says; undefined when it is none of ours. */
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

/** The answer to a request whose own answer nobody has (any more). */
export function lost(id: RequestId, message: string): JSONRPCMessage {
  return { jsonrpc: '2.0', id, error: { code: -32603, message } };
}
