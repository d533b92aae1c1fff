import type { Cursor, EventLog } from '../../endpoint/streams/event-log.ts';
import type { NewsListener } from '../../endpoint/streams/resumption.ts';
import type { ProcessTag } from './server-request-id.ts';

/**
 * Sends one replica a message about a stream.
 * @returns number of processes that received it; -1 when the store is away
 */
type Send = (
  to: ProcessTag,
  kind: 'follow' | 'news',
  session: string,
  value: readonly string[],
) => Promise<number>;

/**
 * Streams that one replica writes and another sends: a client reconnected for the rest of its response, and
 * its request reached another replica than the writer. The events go through the store. The replicas only
 * notify each other of new events. Sessions are named by the digests of their ids.
 */
export class RemoteStreams {
  readonly #send: Send;
  /** Logs of the sessions that this process holds. */
  readonly #logs = new Map<string, EventLog>();
  /** Streams sent from here and written by another replica. */
  readonly #following = new Map<
    string,
    { readonly ask: () => Promise<void>; readonly listener: NewsListener }
  >();
  /** Streams written here and sent by another replica, each with its unsubscribe function. */
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

  /**
   * Subscribes to news on a stream of another replica.
   * @returns function that unsubscribes
   */
  follow(session: string, { owner, stream }: Cursor, listener: NewsListener): () => void {
    const key = `${session} ${stream}`;
    const ask = async () => {
      // Zero receivers: the process is gone. When the store is away, the next heartbeat asks again.
      if ((await this.#send(owner, 'follow', session, [stream])) === 0) listener('gone');
    };
    const following = { ask, listener };
    this.#following.set(key, following);
    void ask();
    return () => {
      // The client may have reconnected a second time in between.
      if (this.#following.get(key) === following) this.#following.delete(key);
    };
  }

  /** Asks every writer again, since a process may have died silently. */
  askAgain(): void {
    for (const { ask } of this.#following.values()) void ask();
  }

  /** Handles a replica's request for news on a stream that is or was written here. */
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

  /** Handles news from another replica. */
  heard(session: string, stream: string, news: string): void {
    this.#following.get(`${session} ${stream}`)?.listener(news === 'gone' ? 'gone' : 'event');
  }
}
