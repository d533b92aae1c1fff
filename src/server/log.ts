/** One fact of the companion. Plain data, so that it can go to any logger as it is. */
export interface LogRecord {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `degraded`: something failed that sessions can do without, for a while; `reason` says what. */
  readonly event:
    | 'sessionOpened'
    | 'sessionHibernated'
    | 'sessionEnded'
    /** The server said something to a client that takes no stream. */
    | 'messageDropped'
    | 'requestRefused'
    | 'requestFailed'
    | 'degraded';
  /** First characters of the session id; a whole id is a credential and is never logged. */
  readonly session?: string | undefined;
  /** Why, in words for a person. */
  readonly reason: string;
  /** What was done about it: an HTTP status, `opened`, `closed`, `hibernated`. */
  readonly action: string;
  /** Sessions held afterwards. */
  readonly sessions: number;
}

/** Receives every record. What it throws is swallowed: a logger must not be able to break a session. */
export type Log = (record: LogRecord) => void;
