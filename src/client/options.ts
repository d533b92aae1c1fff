import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import type { StreamableHTTPReconnectionOptions } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Environment, Fetch } from '../base/environment.ts';
import type { AuthorizationAllowances } from '../protocol/http/authorization-targets.ts';
import type { ReplayPolicy } from '../protocol/replay.ts';
import type { ResumableSession } from './memory/resumable.ts';

/** What `fetch` takes as headers. `HeadersInit` is a name of the DOM's types only, which users may not have. */
export type HeaderFields = NonNullable<RequestInit['headers']>;

/** Bounds. Each ends in `LIMIT_EXCEEDED`, or drops the oldest where that is said. */
export interface Limits {
  /** Longest event of a stream, in UTF-16 code units. Default 64 Mi. */
  readonly maxEventLength: number;
  /** Longest JSON answer, in bytes. Default 64 MiB. */
  readonly maxBodyBytes: number;
  /**
   * What all answers may have together that come over HTTP and are not whole yet, in bytes; those of other connections
   * of this process count too. Default 512 MiB.
   */
  readonly maxHeldBytes: number;
  /** How much of an error's body is read, in bytes. Default 8 KiB; the rest is dropped. */
  readonly maxErrorBodyBytes: number;
  /** For how long an error's body is read, in ms. Default 1,000; the status alone decides then. */
  readonly maxErrorBodyMs: number;
  /** Longest session id taken from a server, in characters. Default 4,096; a longer one is `PROTOCOL_VIOLATION`. */
  readonly maxSessionIdLength: number;
  /** Requests under way or waiting at one time. Default 10,000. */
  readonly maxPendingRequests: number;
  /** Resource subscriptions remembered for restoring. Default 10,000; later ones are not restored. */
  readonly maxSubscriptions: number;
  /** Entries the journal keeps. Default 1,000; the oldest go first. */
  readonly maxJournalEntries: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxEventLength: 64 * 1024 * 1024,
  maxBodyBytes: 64 * 1024 * 1024,
  maxHeldBytes: 512 * 1024 * 1024,
  maxErrorBodyBytes: 8 * 1024,
  maxErrorBodyMs: 1000,
  maxSessionIdLength: 4096,
  maxPendingRequests: 10_000,
  maxSubscriptions: 10_000,
  maxJournalEntries: 1000,
};

/** How attempts to get a session are spaced and bounded. All times in ms. */
export interface RecoveryOptions {
  /** The first wait between two attempts. Default 100; the first attempt itself is made at once. */
  readonly initialDelayMs: number;
  /** The longest wait between two attempts while patience lasts. Default 1,000. */
  readonly maxDelayMs: number;
  /** Between attempts once the connection is down. Default 30,000. */
  readonly probeIntervalMs: number;
  /** How long a `ping` may take, and how long what a new session is given before it is used. Default 10,000. */
  readonly attemptTimeoutMs: number;
  /**
   * How long `initialize` may take. Default 300,000: containers, package runners and virtual machines take their time
   * to start, and each `initialize` that is cut off and made again is another session at the server.
   */
  readonly openLimitMs: number;
  /**
   * For how long pings on a session are refused, by whoever answers there, before a new session is opened beside it.
   * If that opens, the old one is lost. Default 1,000.
   */
  readonly besideAfterMs: number;
  /**
   * Sessions that may be lost in a row without ever having answered a request, before the server is taken for one
   * that does not keep its sessions. Default 3.
   */
  readonly maxUnprovenSessions: number;
  /**
   * Sessions that may be replaced within `budgetWindowMs` without having answered a request, before a wait is put in
   * front of the next. Default 20.
   */
  readonly budget: number;
  /** Default 60,000. */
  readonly budgetWindowMs: number;
}

export const DEFAULT_RECOVERY: RecoveryOptions = {
  initialDelayMs: 100,
  maxDelayMs: 1000,
  probeIntervalMs: 30_000,
  attemptTimeoutMs: 10_000,
  openLimitMs: 300_000,
  besideAfterMs: 1000,
  maxUnprovenSessions: 3,
  budget: 20,
  budgetWindowMs: 60_000,
};

/** What calls are made again when it is not known whether they ran. */
export interface ReplayOptions {
  /** For every tool. Default `hints`. */
  readonly default: ReplayPolicy;
  /** For single tools, by name. */
  readonly tools: Readonly<Record<string, ReplayPolicy>>;
}

export const DEFAULT_REPLAY: ReplayOptions = { default: 'hints', tools: {} };

/** Options of every connection, whatever carries it. */
export interface HealingOptions {
  /** Clock, randomness and ids, for tests. */
  readonly environment?: Partial<Environment>;
  /** How long one request waits for a session, in ms. Default 30,000. */
  readonly patienceMs?: number;
  /**
   * How long the first `initialize` is tried again while the server is unavailable, in ms. Default 3,000. One that the
   * server has taken is waited for as long as its caller waits (`recovery.openLimitMs`).
   * `Infinity`: until closed, whatever the reason for the refusal.
   */
  readonly connectPatienceMs?: number;
  /**
   * Whether the client was initialized before, over an earlier connection. Then the connection says `initialized` in
   * its first session too, and requests may be sent at once: they wait. Default: when there is a session to resume.
   */
  readonly takeOver?: boolean;
  readonly recovery?: Partial<RecoveryOptions>;
  readonly replay?: Partial<ReplayOptions>;
  readonly limits?: Partial<Limits>;
  /**
   * How often an idle connection without a stream of the server asks whether its session is alive, in ms.
   * Default 60,000; 0: never.
   */
  readonly idlePingMs?: number;
  /**
   * After how much silence the server is asked by `ping` while a request is under way, in ms. Default 15,000; 0:
   * never. No answer is shown (`unreachable`), and ends nothing.
   */
  readonly busyPingMs?: number;
  /**
   * After how much silence, not a byte of its answer, a request under way is broken off, in ms. Default 600,000; 0:
   * never. It is resumed where the server gave event ids, else settled by the replay rule.
   */
  readonly silenceLimitMs?: number;
  /** How long `close()` waits for the end of the session to be taken, in ms. Default 1,000. */
  readonly closeTimeoutMs?: number;
}

/**
 * Options of `ResilientTransport`. Those that the SDK's `StreamableHTTPClientTransport` has too mean the same here;
 * `sessionId` is explained below.
 */
export interface ResilientTransportOptions extends HealingOptions {
  /** As in the SDK: OAuth, run on 401 and on insufficient scope, never for a lost session. */
  readonly authProvider?: OAuthClientProvider;
  /** As in the SDK: merged into every request. Headers here win over those of the transport. */
  readonly requestInit?: RequestInit;
  /**
   * Headers made anew for each request, such as a short-lived token. They win over `requestInit.headers`.
   */
  readonly headers?: () => HeaderFields | Promise<HeaderFields>;
  /**
   * As in the SDK. Default: `node:http` and `node:https`; global `fetch` where there is neither, where `requestInit` has
   * more than headers, and for other machines where the program has replaced it or its dispatcher.
   */
  readonly fetch?: Fetch;
  /** As in the SDK, for the server's own stream; `maxRetries` is not used: it is revived as long as the connection lives. */
  readonly reconnectionOptions?: Partial<StreamableHTTPReconnectionOptions>;
  /**
   * The longest wait before a stream of the server's that is refused, or that ends at once each time, is asked for
   * again, in ms; a sign of life ends the wait. Default 300,000.
   */
  readonly maxRefusedStreamDelayMs?: number;
  /**
   * As in the SDK: a session to continue. Then the client's `connect()` skips `initialize`; a first session is
   * assumed to be open under this id, and if the server refuses it, the connection opens one of its own.
   */
  readonly sessionId?: string;
  /**
   * A session of an earlier connection (`resumable`) to go on with. The client's `initialize` is then not sent: one
   * `ping` shows whether the server still holds the session, and the answer is what the server said when it opened it.
   * If it holds it no more, the client's handshake opens a new one, with all that the old one had. One of another
   * endpoint is not used.
   */
  readonly resume?: ResumableSession | undefined;
  /**
   * What to do with an answer that looks like a lost session without saying so outright (docs/protocol.md, 2).
   * `ask` (default): a `ping` decides. `ignore`: it is passed on.
   */
  readonly unclearAnswers?: 'ask' | 'ignore';
  /** After this much silence a request that may not be repeated is preceded by a `ping`, in ms. Default 1,000. */
  readonly proofAfterMs?: number;
  /**
   * After how much silence, in ms, a request that may be sent again is, once, on a new connection, if the server answers
   * a ping on a new one within a second. Only one whose connection was used before it, or that this machine has slept
   * on: it may be dead. Default 5,000; 0: never.
   */
  readonly resendAfterMs?: number;
  /**
   * How long the answer to that `ping` is waited for, in ms; less for a server that usually answers faster. Without one
   * the request goes out all the same. Default 1,000.
   */
  readonly proofTimeoutMs?: number;
  /** Whether `close()` ends the session with DELETE. Default true; some single-session servers never come back. */
  readonly endSessionOnClose?: boolean;
  /** How long one request to the authorization server may take, in ms. Default 10,000. */
  readonly authorizationTimeoutMs?: number;
  /** What a sign-in may do that is refused otherwise (docs/protocol.md, 9). Default: nothing. */
  readonly authorizationAllows?: AuthorizationAllowances;
}
