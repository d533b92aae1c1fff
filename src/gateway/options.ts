import { ResilientMcpError } from '../protocol/errors.ts';
import type { LogRecord, SessionStore } from '../server/index.ts';
import type { Clock } from '../session/environment.ts';
import type { HealingTransport } from '../session/healing-transport.ts';
import {
  ResilientTransport,
  type ResilientTransportOptions,
  type ResumableSession,
} from '../session/index.ts';
import type { HeaderFields } from '../session/options.ts';
import { isUsableToken } from './bearer.ts';

/** A server behind the gateway: one that is met by Streamable HTTP, or one for which the caller makes connections. */
export type GatewayUpstream = HttpUpstream | OpenUpstream;

/** What both kinds of servers have. */
interface SharedOption {
  /**
   * Whether all clients share one session of the server. Default false: each client has a session of its own. For a
   * server that is dear to start or to hold, and keeps nothing apart for its clients.
   */
  readonly shared?: boolean;
}

/** How a connection is to be made. */
export interface OpenHow {
  /**
   * How long the first `initialize` is to be tried while the server is unavailable, in ms. `Infinity` for a client that
   * has its session already: then it is tried until the connection is closed, whatever the reason for a refusal.
   */
  readonly connectPatienceMs: number;
  /** The session that an earlier connection for this client held; undefined when there is none to go on with. */
  readonly resume: ResumableSession | undefined;
}

/** A connection to a server. A `ResilientTransport` is one. */
export interface UpstreamConnection extends HealingTransport {
  /** What a later connection needs to go on with the session of the moment; undefined when that cannot be done. */
  readonly resumable?: ResumableSession | undefined;
  /** @param options `keepSession`: the session is not ended at the server. Default: it is, as the connection is set up. */
  close(options?: { readonly keepSession?: boolean }): Promise<void>;
}

/** Where the sessions of servers are kept over a restart: secrets. VS Code's `SecretStorage` has this shape almost. */
export interface GatewayMemory {
  /** The text that was remembered under a key; undefined when there is none. */
  recall(key: string): PromiseLike<string | undefined>;
  /** Keeps a text, or forgets it when it is undefined. At most one for each server; up to 256 KiB. */
  remember(key: string, text: string | undefined): PromiseLike<void>;
}

/** A server that the caller makes connections to, by whatever way: a process, legacy SSE, another endpoint. */
export interface OpenUpstream extends SharedOption {
  /** A new connection, not started. Called once for each session of a client; once for all when they share one. */
  readonly open: (how: OpenHow) => UpstreamConnection;
  /**
   * What makes two upstreams the same for {@link Gateway.apply}, as a text of the caller's. Default: the function
   * `open` itself.
   */
  readonly identity?: string;
}

/** A server behind Streamable HTTP: where it is, and how each connection to it is made. */
export interface HttpUpstream extends SharedOption, Omit<ResilientTransportOptions, 'headers' | 'sessionId'> {
  readonly url: string | URL;
  /** Sent with every request to this server, and to nobody else. A function is asked anew for each request. */
  readonly headers?: Readonly<Record<string, string>> | (() => HeaderFields | Promise<HeaderFields>);
  /**
   * How long a client's `initialize` waits while the server is unavailable, in ms. Default 10,000, more than that of
   * a connection: most clients try only once.
   */
  readonly connectPatienceMs?: number;
}

/** One fact of the gateway, and the name of the server that it is about. */
export interface GatewayRecord extends LogRecord {
  readonly server: string;
}

export interface GatewayOptions {
  /** The servers, by the names under which clients find them: 1 to 64 characters, not `.` and not `..`. */
  readonly upstreams: Readonly<Record<string, GatewayUpstream>>;
  /** The port on 127.0.0.1. Default 0: one that is free. A port that was remembered keeps clients' addresses good. */
  readonly port?: number;
  /** What clients send as `Authorization: Bearer …`. Default: 32 random bytes; see `Gateway.token`. */
  readonly token?: string;
  /**
   * The secret that signs the ids of sessions, at least 32 characters or bytes. A gateway that is started again with
   * the same one serves the sessions of its predecessor. Default: 32 random bytes, so that they end with the process.
   */
  readonly sessionKey?: string | Uint8Array;
  /** Keeps what clients have set in their sessions. Default: in this process; see `SessionStore`. */
  readonly store?: SessionStore;
  /**
   * Remembers the sessions of servers, so that a gateway that is started again goes on with those that the server
   * still holds. Not to be used by two gateways at once. Default: none are remembered; clients keep their sessions with
   * the gateway, which opens new ones with the servers.
   */
  readonly memory?: GatewayMemory;
  /**
   * How long a session may be idle (no request under way, no stream open), in ms. Default 24 hours: an ended session
   * is what clients do not survive, and one that is held costs little.
   */
  readonly idleMs?: number;
  /** Sessions held at once for each server; a client over that gets 503. Default 200. */
  readonly maxSessions?: number;
  /** The largest request body, in bytes; over that a client gets 413. Default 4 MiB. */
  readonly maxBodyBytes?: number;
  /** The largest head of a request, in bytes; over that a client gets 431. Default 16 KiB. */
  readonly maxHeaderBytes?: number;
  /** Receives one record for each session opened or ended and each request refused. Default: none is kept. */
  readonly log?: (record: GatewayRecord) => void;
  /** For tests. Default: the platform's. */
  readonly clock?: Clock;
}

export const GATEWAY_DEFAULTS = {
  port: 0,
  idleMs: 24 * 60 * 60_000,
  maxSessions: 200,
  maxBodyBytes: 4 * 1024 * 1024,
  maxHeaderBytes: 16 * 1024,
  log: () => {},
} as const;

const MAX_NAME_LENGTH = 64;
const MIN_KEY_LENGTH = 32;
const CONNECT_PATIENCE_MS = 10_000;

/** Throws `INVALID_CONFIGURATION`, with the key, for what the session managers do not check themselves. */
export function checkOptions({ token, port = 0, sessionKey }: GatewayOptions): void {
  if (token !== undefined && !isUsableToken(token)) {
    throw invalid('token must be made of letters, digits and -._~+/, with "=" only at its end.');
  }
  if (sessionKey !== undefined && sessionKey.length < MIN_KEY_LENGTH) {
    throw invalid(`sessionKey must have at least ${MIN_KEY_LENGTH} characters or bytes.`);
  }
  checkPort(port);
}

export function checkPort(port: number): void {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return;
  throw invalid('port must be a whole number from 0 to 65,535.');
}

/** Throws `INVALID_CONFIGURATION`, with the key, for a server that cannot be served. */
export function checkUpstreams(upstreams: GatewayOptions['upstreams']): void {
  for (const [name, upstream] of Object.entries(upstreams)) {
    const key = `upstreams[${JSON.stringify(name.slice(0, MAX_NAME_LENGTH))}]`;
    if (!isUsableName(name)) {
      throw invalid(`${key} needs a name of 1 to ${MAX_NAME_LENGTH} characters, not "." or "..".`);
    }
    if ('open' in upstream && 'url' in upstream) throw invalid(`${key} has both a url and open().`);
    // Made and thrown away: a url that cannot be used is to be found now, and not by the first client.
    if (!('open' in upstream)) connectionTo(upstream);
  }
}

/** `.` and `..` never reach a server: every client resolves them away. Half a surrogate pair cannot be encoded. */
function isUsableName(name: string): boolean {
  const fits = name.length > 0 && name.length <= MAX_NAME_LENGTH && name !== '.' && name !== '..';
  return fits && !/\p{Surrogate}/u.test(name);
}

export function invalid(message: string): ResilientMcpError {
  return new ResilientMcpError('INVALID_CONFIGURATION', message);
}

/** A new connection to a server. Throws `INVALID_CONFIGURATION` for a url that cannot be used, and what `open` throws. */
export function openUpstream(upstream: GatewayUpstream): UpstreamConnection {
  const how = { connectPatienceMs: CONNECT_PATIENCE_MS, resume: undefined };
  return 'open' in upstream ? upstream.open(how) : connectionTo(upstream);
}

function connectionTo({
  url,
  headers,
  requestInit,
  shared: _,
  ...options
}: HttpUpstream): ResilientTransport {
  const fixed = typeof headers === 'function' ? {} : headers;
  const init = { ...requestInit, headers: { ...entriesOf(requestInit?.headers), ...fixed } };
  return new ResilientTransport(url, {
    connectPatienceMs: CONNECT_PATIENCE_MS,
    ...options,
    requestInit: init,
    ...(typeof headers === 'function' && { headers }),
  });
}

function entriesOf(headers: HeaderFields | undefined): Record<string, string> {
  return Object.fromEntries(new Headers(headers));
}
