import { type Clock, systemClock, systemEnvironment } from '../base/environment.ts';
import type { GuardOptions } from '../endpoint/guard.ts';
import { principalOf, type RequestContext } from '../endpoint/incoming.ts';
import { ResilientMcpError } from '../protocol/errors.ts';
import type { SessionKeyOptions } from './ids/session-key.ts';
import type { Log } from './log.ts';
import type { SessionStore } from './store/store.ts';

/** What the companion needs of the world, handed in so that tests can hold the clock still. */
export interface ServerEnvironment {
  /** All its timers are `background`: they do not keep the process alive. */
  readonly clock: Clock;
  /** Something that was never there before: letters and digits, with at least 96 random bits. */
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
   * Set this only if your sessions keep nothing outside `session.state`. After as many ms of idleness a session then
   * hibernates: its server object is closed and forgotten, and the factory is asked for another one (`adopted`) when
   * its client comes again, which does not notice. So an idle session costs no memory; with a signed id that carries
   * the handshake nothing at all is kept of it, and what else there is stays in the store. What the old server object
   * had in variables and closures is gone, and it can send nothing meanwhile. A session is left alone while a request
   * or a question of its server is unanswered, a stream is open, or the store does not take what it needs. One that
   * hibernates is not ended by `idleMs`, which has to be longer, but by `maxAgeMs`. Default: never.
   */
  readonly hibernateAfterMs?: number;
  /** How old a session may become, in ms from its first request; looked at when a request comes. Default 30 days. */
  readonly maxAgeMs?: number;
  /**
   * How many sessions are held at once. For one more, the session that was idle for longest hibernates, whatever
   * `hibernateAfterMs` says, or one whose client has only listened for a second; where all have a request under way, its
   * client gets 503 and `Retry-After`. Default 1,000.
   */
  readonly maxSessions?: number;
  /** How many of them one principal may have, in the same way; else it gets 429 and `Retry-After`. Default: as many as there are. */
  readonly maxSessionsPerPrincipal?: number;
  /** What `Retry-After` says then, in seconds. Default 5. */
  readonly retryAfterSeconds?: number;
  /** The largest request body, in bytes; over that a client gets 413. Default 4 MiB. */
  readonly maxBodyBytes?: number;
  /** All headers of a request together, in bytes; over that a client gets 431. Default 16 KiB. */
  readonly maxHeaderBytes?: number;
  /** The longest session id that is issued, in characters. A handshake that makes it longer goes to the store. Default 2,048. */
  readonly maxSessionIdLength?: number;
  /** Answers with JSON bodies in place of event streams. Progress and requests to the client need streams. Default false. */
  readonly jsonResponses?: boolean;
  /**
   * Keeps what is sent, so that a client whose stream broke can come back for the rest (`Last-Event-ID`), at another
   * replica and after a restart too when the store is one that lasts. A request that was under way in a process that
   * is gone is then answered with an error that says so; without this, its client waits until it times out. Costs two
   * or three writes to the store for each request. For clients of revision 2025-11-25 or later. Default false.
   */
  readonly resumableStreams?: boolean;
  /** How many events of one session are kept, the oldest going first. Default 1,000. */
  readonly maxEvents?: number;
  /** The longest message that is kept, in characters of JSON; an answer over that is lost with its stream. Default 262,144. */
  readonly maxEventLength?: number;
  /** For how long the events of a session are kept after the last one, in ms. Default 1 hour. */
  readonly eventTtlMs?: number;
  /**
   * Whether a session of an earlier process, or of another replica with the same key, is served again when its client
   * brings its id. The factory is then asked for a server with the reason `adopted`. Switch it off for a server that
   * holds things for a session which it cannot make again. Default true.
   */
  readonly adoptSessions?: boolean;
  /**
   * How long a request waits for its session to be brought back, in ms, before its client gets 503 with `Retry-After`.
   * Bringing it back goes on. Default 30,000.
   */
  readonly adoptionTimeoutMs?: number;
  /** How long bringing a session back may take, in ms, before it is given up, and begun anew at the next request. Default 300,000. */
  readonly adoptionLimitMs?: number;
  /**
   * What to do with an id that we did not sign. `reject` answers 404, as MCP asks, upon which a client starts over.
   * `replace` is for clients that cannot: the request is served in a new session, whose id stands in the answer's
   * header, and for `aliasMs` the unknown id is taken for that session's, when the same principal brings it.
   *
   * The risks of `replace`: whoever can make a client send an id of their choice (session fixation) can then use that
   * client's session, unless principals tell the two apart; a session that was really over goes on with nothing of
   * what it had; and any text opens a session, up to `maxSessions`. So it is done for a request from this machine, or
   * with an authorization, and refused with 404 for any other. It never revives an ended, expired or foreign id.
   * Default `reject`.
   */
  readonly unknownSession?: 'reject' | 'replace';
  /** For how long a replaced id goes on to be accepted, in ms. Default 1 hour. */
  readonly aliasMs?: number;
  /**
   * Keeps servers apart that share a key: an id of one scope means nothing in another. Replicas of one server have the
   * same. Default: none.
   */
  readonly scope?: string;
  /** Who a request belongs to; a session of one principal does not exist for another. Default: client and `sub` of `authInfo`. */
  readonly principalOf?: (context: RequestContext, request: Request) => string | undefined;
  /** Where that is kept which an id cannot carry. Default: in this process, see `MemoryStore`. */
  readonly store?: SessionStore;
  /** How long one operation of the store may take, in ms, before it is done without. Default 1,000. */
  readonly storeTimeoutMs?: number;
  /** The largest `state` of a session, in characters of its JSON. Default 16,384. */
  readonly maxStateLength?: number;
  /** Receives one record for each session opened or ended and each request refused. Default: none is kept. */
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

/** The options of a manager, each of them there. */
export type Settings = Required<
  Omit<SessionManagerOptions, keyof GuardOptions | keyof SessionKeyOptions | 'environment' | 'store'>
> &
  GuardOptions;

/** @throws ResilientMcpError `INVALID_CONFIGURATION`, with the key, for an option that cannot be used */
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
