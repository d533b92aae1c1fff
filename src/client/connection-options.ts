import type { Environment } from '../base/environment.ts';
import type { JSONRPCMessage, RequestId } from '../protocol/message.ts';
import type { StoredSession } from './memory/session-memory.ts';
import type { Limits, RecoveryOptions, ReplayOptions } from './options.ts';
import type { Wire, WireConnector, WireEvents } from './wire/wire.ts';

export interface KeepAliveTimes {
  /** How often an idle session without a stream of the server is asked whether it lives, in ms; 0: never. */
  readonly idlePingMs: number;
  /** After how much silence the server is asked while a request is under way, in ms; 0: never. */
  readonly busyPingMs: number;
  /** After how much silence a request under way is broken off, in ms; 0: never. */
  readonly silenceLimitMs: number;
}

/** The options of a connection, each with its value. */
export interface ConnectionOptions {
  readonly connector: WireConnector;
  readonly environment: Environment;
  readonly limits: Limits;
  readonly recovery: RecoveryOptions;
  readonly replay: ReplayOptions;
  readonly patienceMs: number;
  readonly connectPatienceMs: number;
  readonly proofAfterMs: number;
  readonly resendAfterMs: number;
  readonly proofTimeoutMs: number;
  readonly keepAlive: KeepAliveTimes;
  readonly asksWhenUnclear: boolean;
  readonly streamDelayMs: number;
  readonly maxStreamDelayMs: number;
  readonly maxRefusedStreamDelayMs: number;
  readonly closeTimeoutMs: number;
  /** Whether the client was initialized before, over an earlier connection. */
  readonly takesOver: boolean;
  /** The session of an earlier connection to go on with, and the way to it. */
  readonly stored?:
    | { readonly state: StoredSession; readonly attach: (events: WireEvents) => Wire }
    | undefined;
  /**
   * Everything the server says, and what the connection says in its place.
   * @param relatedRequestId the client's request on whose stream it came; undefined for the server's own stream, and
   *   where there are no streams
   */
  readonly onMessage: (message: JSONRPCMessage, relatedRequestId?: RequestId) => void;
  readonly onWarning: (error: Error) => void;
  /** The server began an event stream as the answer to this request. */
  readonly onStream: (requestId: RequestId) => void;
}
