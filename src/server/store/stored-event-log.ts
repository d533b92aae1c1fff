import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import {
  type Cursor,
  type EventLog,
  GET_STREAM,
  lost,
  type Missed,
} from '../../endpoint/streams/event-log.ts';
import { isMessage, isResponse } from '../../protocol/message.ts';
import { scanJson } from '../../protocol/text/json-text.ts';
import { readMessages } from '../../protocol/text/message-text.ts';
import type { ProcessTag } from '../replicas/server-request-id.ts';
import type { Records } from './records.ts';
import type { LogLimits } from './store.ts';

/**
 * One entry of a session's log: a sent message, a placeholder for one too large to keep, or an incoming
 * request.
 */
interface Entry {
  readonly stream: string;
  readonly message?: JSONRPCMessage;
  /** Id of the request whose answer was too large. */
  readonly tooLarge?: RequestId | null;
  readonly asked?: RequestId;
}

export interface StoredEventLogOptions {
  readonly name: string;
  readonly owner: ProcessTag;
  readonly records: Records;
  readonly limits: LogLimits;
  /** Maximum length of a kept message, in characters of JSON. */
  readonly maxLength: number;
}

/**
 * The events of one session, in the manager's store. `answerGet` (resumption.ts) sends missed events, and can
 * continue from another process.
 */
export class StoredEventLog implements EventLog {
  readonly #options: StoredEventLogOptions;
  readonly #open = new Map<string, Set<RequestId>>();
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(options: StoredEventLogOptions) {
    this.#options = options;
  }

  async begin(stream: string): Promise<string> {
    this.#open.set(stream, new Set());
    const entry = await this.#append(stream, '"message":{}');
    return entry === '' ? '' : this.#cursor(entry, stream);
  }

  asked(stream: string, id: RequestId): void {
    this.#open.get(stream)?.add(id);
    void this.#append(stream, `"asked":${JSON.stringify(id)}`);
  }

  isOpen(stream: string): boolean {
    return stream === GET_STREAM || this.#open.has(stream);
  }

  end(): void {
    this.#open.clear();
    for (const stream of [...this.#listeners.keys()]) this.#tell(stream);
  }

  onEvent(stream: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(stream) ?? new Set();
    this.#listeners.set(stream, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(stream);
    };
  }

  async keep(stream: string, message: JSONRPCMessage, text: string): Promise<string> {
    const isTooLarge = text.length > this.#options.maxLength;
    const id = isResponse(message) ? (message.id ?? null) : null;
    const what = isTooLarge ? `"tooLarge":${JSON.stringify(id)}` : `"message":${text}`;
    const entry = await this.#append(stream, what);
    if (id !== null) this.#answered(stream, id);
    this.#tell(stream);
    return entry === '' ? '' : this.#cursor(entry, stream);
  }

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

  /** The parsed entry; an empty object for an invalid one. */
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

/** The message of an entry, as the stored text. */
function messageIn(value: string): JSONRPCMessage | undefined {
  const span = scanJson(value).members?.get('message');
  const [read] = span ? readMessages(value.slice(span.start, span.end)) : [];
  return isMessage(read?.message) ? read.message : undefined;
}
