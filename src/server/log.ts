/** One log record of the companion. Plain data, suitable for any logger. */
export interface LogRecord {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `degraded`: a failure that sessions can survive for a while; `reason` describes it. */
  readonly event:
    | 'sessionOpened'
    | 'sessionHibernated'
    | 'sessionEnded'
    /** The server sent a message to a client that accepts no stream. */
    | 'messageDropped'
    | 'requestRefused'
    | 'requestFailed'
    | 'degraded';
  /** First characters of the session id; a whole id is a credential and is never logged. */
  readonly session?: string | undefined;
  /** The reason, in words for a person. */
  readonly reason: string;
  /** The result: an HTTP status, `opened`, `closed`, `hibernated`. */
  readonly action: string;
  /** Number of sessions held afterwards. */
  readonly sessions: number;
}

/** Receives every record. An exception is swallowed: a logger must not break a session. */
export type Log = (record: LogRecord) => void;
