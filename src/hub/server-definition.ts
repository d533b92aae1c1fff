import type { HealingTransport } from '../client/healing-transport.ts';
import type { ResumableSession } from '../client/index.ts';
import type { ServerType } from '../config/server-entry.ts';

/** Options of a client's connection. */
export interface OpenHow {
  /**
   * How long the first `initialize` is retried while the server is unavailable, in ms. `Infinity` for a
   * client that already has its session: retried until closed, whatever the reason of a refusal.
   */
  readonly connectPatienceMs: number;
  /**
   * Whether the client already has its session, from an earlier connection. The connection then sends
   * `initialized` itself, and requests may precede the answer to `initialize`.
   */
  readonly takeOver: boolean;
  /** The server session of the client's earlier connection; undefined when there is none to resume. */
  readonly resume: ResumableSession | undefined;
}

/** A connection to a server. A `ResilientTransport` is one. */
export interface UpstreamConnection extends HealingTransport {
  /** Data for a later connection to resume the current session; undefined when that is impossible. */
  readonly resumable?: ResumableSession | undefined;
  /** @param options `keepSession`: the server's session stays open. Default: the setting of the connection */
  close(options?: { readonly keepSession?: boolean }): Promise<void>;
}

/** The part of a connection that a client session needs. */
export type RelayUpstream = Pick<UpstreamConnection, 'start' | 'send' | 'close' | 'onmessage' | 'onstream'>;

/** One server, as passed to the hub. */
export interface ServerDefinition {
  /** Unique display name. */
  readonly name: string;
  /** Its name in the gateway's URLs; unique too. */
  readonly endpoint: string;
  /** Two definitions of one name are equal while this data is equal. */
  readonly identity: unknown;
  /** Whether all clients share one session of the server. */
  readonly shared: boolean;
  /** How long a client's `initialize` waits while the server is unavailable, in ms. */
  readonly connectPatienceMs: number;
  readonly type: ServerType;
  /** The target shown in displays, without secrets. */
  readonly target: string;
  /** Creates a connection, not started. Without options it is the hub's own, and retries until closed. */
  readonly open: (how?: Partial<OpenHow>) => UpstreamConnection;
}

/**
 * How long a client's `initialize` waits while its server is unavailable, in ms. Most clients try only once.
 */
export const CONNECT_PATIENCE_MS = 10_000;
