import { type Clock, systemClock, systemEnvironment } from '../base/environment.ts';
import type { GuardOptions } from '../endpoint/guard.ts';
import { principalOf, type RequestContext } from '../endpoint/incoming.ts';
import { ResilientMcpError } from '../protocol/errors.ts';
import type { SessionKeyOptions } from './ids/session-key.ts';
import type { Log } from './log.ts';
import type { SessionStore } from './store/store.ts';

/** Clock and random source of the companion, handed in so that tests control them. */
export interface ServerEnvironment {
  /** All timers are `background`: they do not keep the process alive. */
  readonly clock: Clock;
  /** A unique value: letters and digits, with at least 96 random bits. */
  readonly newNonce: () => string;
}

/** The platform's clock and random source. */
export function systemServerEnvironment(overrides: Partial<ServerEnvironment> = {}): ServerEnvironment {
  const { newId } = systemEnvironment();
  return { clock: systemClock, newNonce: () => newId().replaceAll('-', ''), ...overrides };
}

export interface SessionManagerOptions extends GuardOptions, SessionKeyOptions {
  /** How long a session may be idle (no request under way, no stream open), in ms. Default 30 minutes. */
  readonly idleMs?: number;
  /**
   * Idle time after which a session hibernates, in ms. Set this only if your sessions keep nothing outside
   * `session.state`. Default: never.
   *
   * Hibernation closes and releases the server object. At the client's next request the factory makes another
   * one (`adopted`); the client does not notice. An idle session then costs no memory: with a signed id that
   * carries the handshake this process keeps nothing, and the rest stays in the store. Variables and closures
   * of the old server object are lost, and it can send nothing meanwhile.
   *
   * A session does not hibernate while a request of either side is unanswered, a stream is open, or the store
   * does not accept its data. A hibernated session is ended by `maxAgeMs`, not by `idleMs`, which must be
   * longer than this value.
   */
  readonly hibernateAfterMs?: number;
  /** Maximum age of a session, in ms from its first request. Checked at each request. Default 30 days. */
  readonly maxAgeMs?: number;
  /**
   * Maximum number of sessions held at once. Default 1,000. For one more, the session that was idle for
   * longest hibernates, regardless of `hibernateAfterMs`; else one whose client has only listened for a
   * second. When all have a request under way, the client gets 503 with `Retry-After`.
   */
  readonly maxSessions?: number;
  /**
   * Maximum number of sessions of one principal, with the same rules; the client gets 429 with `Retry-After`.
   * Default: no limit beside `maxSessions`.
   */
  readonly maxSessionsPerPrincipal?: number;
  /** Value of `Retry-After` in those answers, in seconds. Default 5. */
  readonly retryAfterSeconds?: number;
  /** Maximum size of a request body, in bytes. A larger one gets 413. Default 4 MiB. */
  readonly maxBodyBytes?: number;
  /** Maximum size of all headers of a request together, in bytes. Larger ones get 431. Default 16 KiB. */
  readonly maxHeaderBytes?: number;
  /**
   * Maximum length of an issued session id, in characters. A handshake that would exceed it goes to the
   * store. Default 2,048.
   */
  readonly maxSessionIdLength?: number;
  /**
   * Answers with JSON bodies instead of event streams. Progress and server requests need streams. Default
   * false.
   */
  readonly jsonResponses?: boolean;
  /**
   * Keeps sent messages, so that a client whose stream broke can resume it (`Last-Event-ID`). With a
   * persistent store this works at another replica and after a restart too. A request that was under way in a
   * process that is gone is then answered with an error; without this option, its client waits until it times
   * out. Costs two or three store writes for each request. For clients of revision 2025-11-25 or later.
   * Default false.
   */
  readonly resumableStreams?: boolean;
  /** Maximum number of kept events of one session; the oldest is dropped first. Default 1,000. */
  readonly maxEvents?: number;
  /**
   * Maximum length of a kept message, in characters of JSON. A longer answer is lost with its stream. Default
   * 262,144.
   */
  readonly maxEventLength?: number;
  /** How long the events of a session are kept after the last one, in ms. Default 1 hour. */
  readonly eventTtlMs?: number;
  /**
   * Whether a session of an earlier process, or of another replica with the same key, is served when its
   * client sends its id. The factory then makes a server with the reason `adopted`. Set to false for a server
   * whose per-session resources cannot be recreated. Default true.
   */
  readonly adoptSessions?: boolean;
  /**
   * How long a request waits for its session to be restored, in ms. The client then gets 503 with
   * `Retry-After`, and the restoration continues. Default 30,000.
   */
  readonly adoptionTimeoutMs?: number;
  /**
   * How long the restoration of a session may take, in ms. It is then abandoned, and the next request starts
   * another one. Default 300,000.
   */
  readonly adoptionLimitMs?: number;
  /**
   * Handling of an id that we did not sign. Default `reject`.
   *
   * `reject` answers 404, as MCP requires, and the client initializes again. `replace` is for clients that
   * cannot: the request is served in a new session, whose id is in the answer's header. For `aliasMs` the
   * unknown id is an alias of that session, for the same principal.
   *
   * The risks of `replace`: an attacker who makes a client send a chosen id (session fixation) can use that
   * client's session, unless principals tell the two apart; a session that had really ended continues without
   * its state; and any text opens a session, up to `maxSessions`. It therefore applies only to requests from
   * this machine or with an authorization; any other gets 404. It never revives an ended, expired or foreign
   * id.
   */
  readonly unknownSession?: 'reject' | 'replace';
  /** How long a replaced id is accepted, in ms. Default 1 hour. */
  readonly aliasMs?: number;
  /**
   * Separates servers that share a key: an id of one scope is not valid in another. Replicas of one server
   * use the same scope. Default: none.
   */
  readonly scope?: string;
  /**
   * Principal of a request. A session of one principal does not exist for another. Default: client id and
   * `sub` of `authInfo`.
   */
  readonly principalOf?: (context: RequestContext, request: Request) => string | undefined;
  /** Store for data that an id cannot carry. Default: `MemoryStore`, in this process. */
  readonly store?: SessionStore;
  /** Timeout of one store operation, in ms. The manager then continues without the store. Default 1,000. */
  readonly storeTimeoutMs?: number;
  /** Maximum length of a session's `state`, in characters of its JSON. Default 16,384. */
  readonly maxStateLength?: number;
  /**
   * Receives one record for each session opened or ended and each request refused. Default: records are
   * discarded.
   */
  readonly log?: Log;
  /** The clock and the source of nonces. */
  readonly environment?: Partial<ServerEnvironment>;
}

const DAY_MS = 24 * 60 * 60_000;

const defaults = {
  idleMs: 30 * 60_000,
  hibernateAfterMs: Number.POSITIVE_INFINITY,
  maxAgeMs: 30 * DAY_MS,
  maxSessions: 1000,
  maxSessionsPerPrincipal: Number.POSITIVE_INFINITY,
  retryAfterSeconds: 5,
  maxBodyBytes: 4 * 1024 * 1024,
  maxHeaderBytes: 16 * 1024,
  maxSessionIdLength: 2048,
  jsonResponses: false,
  resumableStreams: false,
  maxEvents: 1000,
  maxEventLength: 256 * 1024,
  eventTtlMs: 60 * 60_000,
  adoptSessions: true,
  adoptionTimeoutMs: 30_000,
  adoptionLimitMs: 300_000,
  unknownSession: 'reject',
  aliasMs: 60 * 60_000,
  scope: '',
  principalOf,
  storeTimeoutMs: 1000,
  maxStateLength: 16_384,
  log: () => {},
} as const;

/** The options of a manager, with defaults applied. */
export type Settings = Required<
  Omit<SessionManagerOptions, keyof GuardOptions | keyof SessionKeyOptions | 'environment' | 'store'>
> &
  GuardOptions;

/** @throws ResilientMcpError `INVALID_CONFIGURATION`, naming the option, for an invalid value */
export function settingsOf(options: SessionManagerOptions): Settings {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const settings: Settings = { ...defaults, ...given };
  for (const [key, value] of Object.entries(defaults)) {
    const set = (settings as unknown as Record<string, unknown>)[key];
    if (typeof value !== 'number' || (typeof set === 'number' && set > 0)) continue;
    throw new ResilientMcpError('INVALID_CONFIGURATION', `${key} must be a number over 0.`);
  }
  if (!['reject', 'replace'].includes(settings.unknownSession)) {
    throw new ResilientMcpError('INVALID_CONFIGURATION', "unknownSession must be 'reject' or 'replace'.");
  }
  checkHibernation(settings);
  return settings;
}

function checkHibernation({ hibernateAfterMs, idleMs, adoptSessions }: Settings): void {
  if (hibernateAfterMs === Number.POSITIVE_INFINITY) return;
  if (hibernateAfterMs >= idleMs) {
    const message = `hibernateAfterMs (${hibernateAfterMs}) must be less than idleMs (${idleMs}), after which an idle session is over.`;
    throw new ResilientMcpError('INVALID_CONFIGURATION', message);
  }
  if (adoptSessions) return;
  throw new ResilientMcpError(
    'INVALID_CONFIGURATION',
    'hibernateAfterMs needs adoptSessions: a session that hibernates comes back by being adopted.',
  );
}
