/**
 * Keeps what a session id cannot carry: that a session was ended, a handshake that was too large, the log level,
 * subscriptions and `state` of a session, and the events of its streams. Texts under keys, each for a bounded time.
 *
 * The companion brings three: `MemoryStore` (one process), `SqliteStore` (one file, over restarts), `RedisStore`
 * (several replicas). A store may reject: sessions then go on without it, and a record says so.
 */
export interface SessionStore {
  /** It never waits for anything, as one in memory: it is given no limit of time. Default false. */
  readonly isImmediate?: boolean;
  get(key: string): Promise<string | undefined>;
  /** Keeps a text for `ttlMs`; in place of what was there. */
  set(key: string, value: string, ttlMs: number): Promise<void>;
  delete(key: string): Promise<void>;
  /**
   * Adds an entry at the end of a log and drops the oldest over the limit.
   * @returns what names the entry: unique in its log, and visible ASCII
   */
  append(log: string, value: string, limits: LogLimits): Promise<string>;
  /** The entries of a log in order: those after the entry `after`, or undefined when that entry is not there (any more). */
  readAfter(log: string, after: string): Promise<readonly LogEntry[] | undefined>;
  /** How replicas talk to each other; absent in a store that only one process uses. */
  readonly bus?: MessageBus;
  /** Lets go of what the store has opened itself. */
  close(): Promise<void>;
}

export interface LogLimits {
  /** How many entries a log holds; a store may hold a tenth more. */
  readonly maxEntries: number;
  /** How long a log is kept after its last entry, in ms. */
  readonly ttlMs: number;
}

export interface LogEntry {
  readonly id: string;
  readonly value: string;
}

/** Texts from one process to others, delivered at most once. */
export interface MessageBus {
  /** @returns how many processes got it */
  publish(channel: string, text: string): Promise<number>;
  /** Calls `listener` for each text that is published from now on, also after the connection was lost and made again. */
  subscribe(channel: string, listener: (text: string) => void): Promise<void>;
}
