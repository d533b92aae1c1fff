/**
 * Keeps data that a session id cannot carry: that a session was ended, a handshake that was too large, the
 * log level, subscriptions and `state` of a session, and the events of its streams. Texts under keys, each
 * for a bounded time.
 *
 * The companion has three: `MemoryStore` (one process), `SqliteStore` (one file, over restarts), `RedisStore`
 * (several replicas). A store may reject: sessions then continue without it, and the failure is logged.
 */
export interface SessionStore {
  /** Whether operations complete without waiting, as in memory. No timeout applies then. Default false. */
  readonly isImmediate?: boolean;
  get(key: string): Promise<string | undefined>;
  /** Keeps a text for `ttlMs`, replacing any previous value. */
  set(key: string, value: string, ttlMs: number): Promise<void>;
  delete(key: string): Promise<void>;
  /**
   * Appends an entry to a log and drops the oldest ones over the limit.
   * @returns id of the entry: unique in its log, and visible ASCII
   */
  append(log: string, value: string, limits: LogLimits): Promise<string>;
  /**
   * The entries of a log after the entry `after`, in order; undefined when that entry is not or no longer
   * there.
   */
  readAfter(log: string, after: string): Promise<readonly LogEntry[] | undefined>;
  /** Message bus between replicas; absent in a store that only one process uses. */
  readonly bus?: MessageBus;
  /** Releases the resources that the store itself has opened. */
  close(): Promise<void>;
}

export interface LogLimits {
  /** Maximum number of entries of a log; a store may hold a tenth more. */
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
  /** @returns number of processes that received it */
  publish(channel: string, text: string): Promise<number>;
  /** Calls `listener` for each text published from now on, also after a reconnection. */
  subscribe(channel: string, listener: (text: string) => void): Promise<void>;
}
