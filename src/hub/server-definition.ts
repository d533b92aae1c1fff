import type { HealingTransport } from '../client/healing-transport.ts';
import type { ResumableSession } from '../client/index.ts';
import type { ServerType } from '../config/server-entry.ts';

/** How a connection for a client is to be made. */
export interface OpenHow {
  /**
   * How long the first `initialize` is to be tried while the server is unavailable, in ms. `Infinity` for a client that
   * has its session already: then it is tried until the connection is closed, whatever the reason for a refusal.
   */
  readonly connectPatienceMs: number;
  /**
   * Whether the client has its session already, from an earlier connection. Then the connection says `initialized` to
   * the server itself, and requests may come before `initialize` is answered.
   */
  readonly takeOver: boolean;
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

/** What a client's session needs of a way to a server. */
export type RelayUpstream = Pick<UpstreamConnection, 'start' | 'send' | 'close' | 'onmessage' | 'onstream'>;

/** One server as the hub is told of it. */
export interface ServerDefinition {
  /** Unique; what a person calls the server. */
  readonly name: string;
  /** Its name in the addresses of the gateway; unique too. */
  readonly endpoint: string;
  /** Two definitions of one name are the same while these hold the same data. */
  readonly identity: unknown;
  /** Whether all clients share one session of the server. */
  readonly shared: boolean;
  /** How long a client's `initialize` waits while the server is unavailable, in ms. */
  readonly connectPatienceMs: number;
  readonly type: ServerType;
  /** What a display says that it is reached by. Holds no secret. */
  readonly target: string;
  /** A new connection, not started. Without options it is the hub's own, and tried until it is closed. */
  readonly open: (how?: Partial<OpenHow>) => UpstreamConnection;
}

/** How long a client's `initialize` waits while its server is unavailable, in ms. Most clients try only once. */
export const CONNECT_PATIENCE_MS = 10_000;
