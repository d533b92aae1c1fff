import type { LatencySummary } from '../client/observe/metrics.ts';
import type { ConnectionSnapshot, ConnectionStatus } from '../client/observe/snapshot.ts';
import type { ServerType } from '../config/server-entry.ts';

/** What a server lists, and a display counts. */
export type ListKind = 'tools' | 'resources' | 'prompts';

/** One server as a display sees it. */
export interface ServerSnapshot {
  /** The key in the configuration; unique, and what a person calls the server. */
  readonly name: string;
  readonly type: ServerType;
  /** What it is reached by: the address without query and fragment, or the program or module without arguments. */
  readonly target: string;
  /** The extension's own connection; while it has none, the worst of those that clients hold. */
  readonly connection: ConnectionSnapshot;
  /** Whether {@link connection} is the extension's own. It has none while clients hold connections. */
  readonly isOwn: boolean;
  /**
   * Whether it is left to clients to connect: a local server is started by its first client, and one whose session is
   * shared is met over that one alone. Then an `idle` connection means no trouble.
   */
  readonly onDemand: boolean;
  /** Whether a person has paused it: nothing is sent to it, by nobody, before it is resumed. */
  readonly paused: boolean;
  /** The connections that clients hold through the gateway, in the order of their opening. */
  readonly clients: readonly ClientSnapshot[];
  /** How many tools the server listed last; undefined before the first list. */
  readonly tools: number | undefined;
  /** The same of its resources and of its prompts; 0 when it offers none. */
  readonly resources: number | undefined;
  readonly prompts: number | undefined;
  /** Clients that were refused at the gateway of the server for want of the token, and not let in since. */
  readonly refused: readonly RefusedClient[];
  /** How long answers took, over all connections to it since it was configured so, ended ones included. */
  readonly latency: LatencySummary;
}

/** A client that was refused at a server for want of the token. */
export interface RefusedClient {
  /** What it calls itself (`User-Agent`), without its version; '' for one that does not say. */
  readonly client: string;
  /** How many of its requests were refused. */
  readonly requests: number;
  /** When the last one was, in ms since the epoch. */
  readonly at: number;
}

/** A connection that one client holds, through the gateway, to one server. */
export interface ClientSnapshot {
  /** Numbers the connections of clients to this server, from 1; facts bear it as well. */
  readonly client: number;
  readonly connection: ConnectionSnapshot;
}

/** The read model from which every display is drawn. */
export interface HubSnapshot {
  /** When it was taken, in ms since the epoch. */
  readonly at: number;
  /** In the order of the configuration. */
  readonly servers: readonly ServerSnapshot[];
}

/** What needs attention more comes later. */
const RANKS: Readonly<Record<ConnectionStatus, number>> = {
  ready: 0,
  idle: 1,
  connecting: 2,
  recovering: 3,
  unreachable: 4,
  down: 5,
  paused: 6,
  closed: 7,
};

/**
 * The connection by which a server is judged: the worst of the extension's own and those of clients, the own one among
 * equals. Undefined for a server that nobody has a connection to, and that needs none.
 */
export function worstConnection(server: ServerSnapshot): ConnectionSnapshot | undefined {
  const { connection, onDemand, clients } = server;
  const own = onDemand && connection.status === 'idle' ? [] : [connection];
  return worstOf([...own, ...clients.map((each) => each.connection)]);
}

/** The one that needs attention most, the first among equals. */
export function worstOf(connections: readonly ConnectionSnapshot[]): ConnectionSnapshot | undefined {
  return connections.reduce<ConnectionSnapshot | undefined>(
    (worst, each) => (worst && RANKS[worst.status] >= RANKS[each.status] ? worst : each),
    undefined,
  );
}

/** All connections to a server, each once: the extension's own, where it has one, and those of clients. */
export function connectionsOf({ connection, isOwn, clients }: ServerSnapshot): readonly ConnectionSnapshot[] {
  return [...(isOwn ? [connection] : []), ...clients.map((each) => each.connection)];
}

/** A connection that there is not yet. @param since in ms since the epoch */
export function notStarted(since: number): ConnectionSnapshot {
  return {
    status: 'idle',
    since,
    generation: 0,
    sessionOpenedAt: undefined,
    sessionLabel: undefined,
    stateless: false,
    protocolVersion: undefined,
    server: undefined,
    recoveries: 0,
    replays: 0,
    lastRecovery: undefined,
    attempt: 0,
    nextAttemptAt: undefined,
    trouble: undefined,
    failure: undefined,
  };
}
