import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { scanJson } from '../../protocol/json-text.ts';
import { isMessage, isResponse } from '../../protocol/message.ts';
import { readMessages } from '../../protocol/message-text.ts';
import type { Records } from '../records.ts';
import type { QuestionTag } from '../replicas/question-tag.ts';
import type { LogLimits } from '../store/store.ts';

/** The stream that a GET is answered with, under the SDK's name; every other stream is the answer to one POST. */
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

/**
 * The events of one session, in the manager's store. What a client missed is sent by `resume` (resumption.ts), which can
 * also go on where another process has left off.
 */
export class EventLog {
  readonly #options: EventLogOptions;
  readonly #open = new Map<string, Set<RequestId>>();
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(options: EventLogOptions) {
    this.#options = options;
  }

  /** Notes that a stream begins. @returns the id of an event without a message, from which all else can be had; empty when the store fails */
  async begin(stream: string): Promise<string> {
    this.#open.set(stream, new Set());
    const entry = await this.#append(stream, '"message":{}');
    return entry === '' ? '' : this.#cursor(entry, stream);
  }

  /** Notes that the answer of a request goes to a stream, which has begun. */
  asked(stream: string, id: RequestId): void {
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

  /**
   * @param text the message as JSON
   * @returns the event's id; empty, which makes it an event without one, when the store fails
   */
  async keep(stream: string, message: JSONRPCMessage, text: string): Promise<string> {
    const isTooLarge = text.length > this.#options.maxLength;
    const id = isResponse(message) ? (message.id ?? null) : null;
    const what = isTooLarge ? `"tooLarge":${JSON.stringify(id)}` : `"message":${text}`;
    const entry = await this.#append(stream, what);
    if (id !== null) this.#answered(stream, id);
    this.#tell(stream);
    return entry === '' ? '' : this.#cursor(entry, stream);
  }

  /** What came on a stream after a cursor; undefined when the log no longer reaches back to it. */
  async missed({ entry, stream }: Pick<Cursor, 'entry' | 'stream'>): Promise<Missed | undefined> {
    const { records, name } = this.#options;
    const entries = await records.read('read events', undefined, (store) => store.readAfter(name, entry));
    if (!entries) return undefined;
    const found = entries.map(({ id, value }) => ({ ...this.#entryIn(value), id }));
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

  /** Nothing, of what is no entry. */
  #entryIn(value: string): Partial<Entry> {
    const entry = this.#options.records.parse('read events', value) as Partial<Entry> | null | undefined;
    const message = isMessage(entry?.message) ? messageIn(value) : undefined;
    return { ...entry, ...(message && { message }) };
  }

  #tell(stream: string): void {
    for (const listener of [...(this.#listeners.get(stream) ?? [])]) listener();
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

/** The message of an entry, as the text that was kept. */
function messageIn(value: string): JSONRPCMessage | undefined {
  const span = scanJson(value).members?.get('message');
  const [read] = span ? readMessages(value.slice(span.start, span.end)) : [];
  return isMessage(read?.message) ? read.message : undefined;
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
