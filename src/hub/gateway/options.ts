import { type Clock, systemClock } from '../../base/environment.ts';
import type { LogRecord, SessionStore } from '../../server/index.ts';
import type { GatewayMemory } from '../clients/session-memory.ts';
import type { RefusedClient } from '../snapshot.ts';
import { isUsableToken } from './token.ts';
import { type GatewayUpstreams, invalid } from './upstream.ts';

/** Called with the whole list of refused clients of a server whenever it has changed. */
export type OnRefused = (server: string, refused: readonly RefusedClient[]) => void;

/** One fact of the gateway, with the name of its server if it has one. */
export interface GatewayRecord extends Omit<LogRecord, 'event'> {
  /** `connectionRefused`: the limit of connections (`maxConnections`) was reached. */
  readonly event: LogRecord['event'] | 'connectionRefused';
  readonly server?: string;
}

export interface GatewayOptions {
  /** The servers, by the names in their addresses: 1 to 64 characters, not `.` and not `..`. */
  readonly upstreams: GatewayUpstreams;
  /** The name of the server that is also served at `/mcp`. Default: none. */
  readonly root?: string;
  /** The port on 127.0.0.1. Default 0: any free port. A fixed port keeps clients' addresses valid. */
  readonly port?: number;
  /**
   * The bearer token of clients (`Authorization: Bearer …`). Default: 32 random bytes; see `Gateway.token`.
   */
  readonly token?: string;
  /**
   * Whether clients are admitted without a token. Then every program of this machine is admitted, of every
   * user; web pages are still refused. Default false.
   */
  readonly withoutToken?: boolean;
  /**
   * An additional token, for clients through `resilient-mcp attach`. It may change at each start: their
   * sessions continue. Default: none.
   */
  readonly attachToken?: string;
  /**
   * An additional token, for clients that end with this process, such as an editor's MCP client. Their
   * sessions end with the gateway, at the servers too, even when others are kept. Default: none.
   */
  readonly passingToken?: string;
  /**
   * The shared key by which the gateway proves on `GET /proof` that it is this gateway, on this port. At
   * least 32 characters, and different from its other secrets. Default: none, and no proof.
   */
  readonly proofKey?: string;
  /**
   * The secret that signs session ids, at least 32 characters or bytes. A gateway restarted with the same
   * secret serves the sessions of its predecessor. Default: 32 random bytes, so that sessions end with the
   * process.
   */
  readonly sessionKey?: string | Uint8Array;
  /** Keeps the settings of client sessions. Default: in this process; see `SessionStore`. */
  readonly store?: SessionStore;
  /**
   * Remembers server sessions, so that a restarted gateway resumes those that the server still holds. Two
   * gateways must not use one memory at the same time. Default: none; clients keep their gateway sessions,
   * and the gateway opens new server sessions.
   */
  readonly memory?: GatewayMemory;
  /**
   * Idle limit of a session (no request under way, no stream open), in ms. Default 24 hours: clients do not
   * recover from an ended session, and an idle one costs little.
   */
  readonly idleMs?: number;
  /**
   * Limit of sessions for each server. At the limit the longest idle session is evicted: it ends at its
   * server, and opens again when its client returns. Next in line is one whose client only listens. When all
   * have a request under way, the new client gets 503. Default 200.
   */
  readonly maxSessions?: number;
  /** Limit of a request body, in bytes; a larger one gets 413. Default 4 MiB. */
  readonly maxBodyBytes?: number;
  /** Limit of a request's head, in bytes; a larger one gets 431. Default 16 KiB. */
  readonly maxHeaderBytes?: number;
  /**
   * Limit of TCP connections. A new one evicts an unauthenticated or idle one; when all wait for answers, the
   * new one is closed, with a record. Each session needs one for its stream and one for each call. Default
   * 2,000.
   */
  readonly maxConnections?: number;
  /** Time for a client to send a whole request, in ms; then it gets 408. Default 60,000. */
  readonly requestTimeoutMs?: number;
  /** Receives one record for each session opened or ended and each request refused. Default: none. */
  readonly log?: (record: GatewayRecord) => void;
  /** Called when a client without the token was refused at a server, and when it was admitted later. */
  readonly onRefused?: OnRefused;
  /** For tests. Default: the platform's. */
  readonly clock?: Clock;
}

export const GATEWAY_DEFAULTS = {
  port: 0,
  withoutToken: false,
  idleMs: 24 * 60 * 60_000,
  maxSessions: 200,
  maxBodyBytes: 4 * 1024 * 1024,
  maxHeaderBytes: 16 * 1024,
  maxConnections: 2000,
  requestTimeoutMs: 60_000,
  log: () => {},
  onRefused: () => {},
  clock: systemClock,
} as const;

const MIN_KEY_LENGTH = 32;

/** Throws `INVALID_CONFIGURATION`, with the key, for options that the session managers do not check. */
export function checkOptions(options: Omit<GatewayOptions, 'upstreams'>): void {
  const { token, attachToken, passingToken, port = 0, sessionKey, proofKey } = options;
  for (const [key, value] of Object.entries({ token, attachToken, passingToken })) {
    if (value !== undefined) checkToken(key, value);
  }
  for (const [key, value] of Object.entries({ sessionKey, proofKey })) {
    if (value === undefined || value.length >= MIN_KEY_LENGTH) continue;
    throw invalid(`${key} must have at least ${MIN_KEY_LENGTH} characters or bytes.`);
  }
  for (const key of ['maxHeaderBytes', 'maxConnections', 'requestTimeoutMs'] as const) {
    const value = options[key];
    if (value !== undefined && !(value > 0)) throw invalid(`${key} must be a number over 0.`);
  }
  checkPort(port);
}

export function checkToken(key: string, token: string): void {
  if (isUsableToken(token)) return;
  throw invalid(`${key} must be made of letters, digits and -._~+/, with "=" only at its end.`);
}

export function checkPort(port: number): void {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return;
  throw invalid('port must be a whole number from 0 to 65,535.');
}
