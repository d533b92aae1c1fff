import type { Cursor, EventLog } from '../../endpoint/streams/event-log.ts';
import type { NewsListener } from '../../endpoint/streams/resumption.ts';
import type { ProcessTag } from './server-request-id.ts';

/** Sends one replica a word about a stream. @returns how many processes got it; -1 when the store is away */
type Send = (
  to: ProcessTag,
  kind: 'follow' | 'news',
  session: string,
  value: readonly string[],
) => Promise<number>;

/**
 * Streams that one replica writes and another one sends: a client came back for the rest of its answer, and its request
 * landed where that answer is not made. The events go through the store; the replicas only tell each other that there
 * is something to read there. Sessions are named by the digests of their ids.
 */
export class RemoteStreams {
  readonly #send: Send;
  /** Of the sessions that are held here. */
  readonly #logs = new Map<string, EventLog>();
  /** Sent from here, written elsewhere. */
  readonly #following = new Map<
    string,
    { readonly ask: () => Promise<void>; readonly listener: NewsListener }
  >();
  /** Written here, sent elsewhere: what ends the attention to them. */
  readonly #followed = new Map<string, () => void>();

  constructor(send: Send) {
    this.#send = send;
  }

  add(session: string, log: EventLog): void {
    this.#logs.set(session, log);
  }

  remove(session: string): void {
    this.#logs.delete(session);
  }

  /** Begins to listen for news on a stream of another replica. @returns what ends that */
  follow(session: string, { owner, stream }: Cursor, listener: NewsListener): () => void {
    const key = `${session} ${stream}`;
    const ask = async () => {
      // Nobody hears it: the process is gone. A store that is away is asked again with the next heartbeat.
      if ((await this.#send(owner, 'follow', session, [stream])) === 0) listener('gone');
    };
    const following = { ask, listener };
    this.#following.set(key, following);
    void ask();
    return () => {
      // Its client may have come a second time in between.
      if (this.#following.get(key) === following) this.#following.delete(key);
    };
  }

  /** Asks again, for a process may have died without a word. */
  askAgain(): void {
    for (const { ask } of this.#following.values()) void ask();
  }

  /** Another replica asks for news on a stream that is written here, or was. */
  wasAskedFor(session: string, by: ProcessTag, stream: string): void {
    const log = this.#logs.get(session);
    const key = `${session} ${stream} ${by}`;
    const tell = () => {
      const isOpen = log?.isOpen(stream) ?? false;
      if (!isOpen) {
        this.#followed.get(key)?.();
        this.#followed.delete(key);
      }
      void this.#send(by, 'news', session, [stream, isOpen ? 'event' : 'gone']);
    };
    if (log?.isOpen(stream) && !this.#followed.has(key)) this.#followed.set(key, log.onEvent(stream, tell));
    tell();
  }

  /** Another replica has news. */
  heard(session: string, stream: string, news: string): void {
    this.#following.get(`${session} ${stream}`)?.listener(news === 'gone' ? 'gone' : 'event');
  }
}
