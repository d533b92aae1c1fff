import { ResilientMcpError } from '../protocol/errors.ts';
import type { LogRecord } from '../server/index.ts';
import type { Clock } from '../session/environment.ts';
import { ResilientTransport, type ResilientTransportOptions } from '../session/index.ts';
import type { HeaderFields } from '../session/options.ts';
import { isUsableToken } from './bearer.ts';

/** A server behind the gateway: where it is, and how each connection to it is made. */
export interface GatewayUpstream extends Omit<ResilientTransportOptions, 'headers' | 'sessionId'> {
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
  /** The port on 127.0.0.1. Default 0: one that is free. */
  readonly port?: number;
  /** What clients send as `Authorization: Bearer …`. Default: 32 random bytes; see `Gateway.token`. */
  readonly token?: string;
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
const CONNECT_PATIENCE_MS = 10_000;

/** Throws `INVALID_CONFIGURATION`, with the key, for what the session managers and connections do not check themselves. */
export function checkOptions({ upstreams, token, port = 0 }: GatewayOptions): void {
  for (const name of Object.keys(upstreams)) {
    if (isUsableName(name)) continue;
    const key = JSON.stringify(name.slice(0, MAX_NAME_LENGTH));
    throw invalid(`upstreams[${key}] needs a name of 1 to ${MAX_NAME_LENGTH} characters, not "." or "..".`);
  }
  if (token !== undefined && !isUsableToken(token)) {
    throw invalid('token must be made of letters, digits and -._~+/, with "=" only at its end.');
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw invalid('port must be a whole number from 0 to 65,535.');
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

/** A new connection to a server. Throws `INVALID_CONFIGURATION` for a url that cannot be used. */
export function connectionTo({ url, headers, requestInit, ...options }: GatewayUpstream): ResilientTransport {
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
