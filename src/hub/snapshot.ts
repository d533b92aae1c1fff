import type { LatencySummary } from '../client/observe/metrics.ts';
import type { ConnectionSnapshot, ConnectionStatus } from '../client/observe/snapshot.ts';
import type { ServerType } from '../config/server-entry.ts';

/** Kinds of lists that displays count. */
export type ListKind = 'tools' | 'resources' | 'prompts';

/** One server, for displays. */
export interface ServerSnapshot {
  /** The key in the configuration; unique display name. */
  readonly name: string;
  readonly type: ServerType;
  /** The URL without query and fragment, or the program or module without arguments. */
  readonly target: string;
  /** The extension's own connection; without one, the worst of the clients' connections. */
  readonly connection: ConnectionSnapshot;
  /** Whether {@link connection} is the extension's own. It has none while clients are connected. */
  readonly isOwn: boolean;
  /**
   * Whether only clients connect: a local server starts with its first client, and a shared session is the
   * only one. An `idle` connection is then no problem.
   */
  readonly onDemand: boolean;
  /** Whether the user has paused it: nothing is sent to it until it is resumed. */
  readonly paused: boolean;
  /** Clients' connections through the gateway, in the order of opening. */
  readonly clients: readonly ClientSnapshot[];
  /** Number of tools in the last list; undefined before the first. */
  readonly tools: number | undefined;
  /** The same for resources and prompts; 0 when the server offers none. */
  readonly resources: number | undefined;
  readonly prompts: number | undefined;
  /** Clients that the gateway refused without a token and has not admitted since. */
  readonly refused: readonly RefusedClient[];
  /** Answer times over all connections with this configuration, ended ones included. */
  readonly latency: LatencySummary;
}

/** A client that was refused at a server because it had no token. */
export interface RefusedClient {
  /** Its `User-Agent` without the version; '' without one. */
  readonly client: string;
  /** Number of refused requests. */
  readonly requests: number;
  /** Time of the last one, in ms since the epoch. */
  readonly at: number;
}

/** One client's connection to one server, through the gateway. */
export interface ClientSnapshot {
  /** Number of the connection at this server, from 1; also in facts. */
  readonly client: number;
  readonly connection: ConnectionSnapshot;
}

/** The read model of all displays. */
export interface HubSnapshot {
  /** Time of the snapshot, in ms since the epoch. */
  readonly at: number;
  /** In configuration order. */
  readonly servers: readonly ServerSnapshot[];
}

/** The most urgent status has the highest rank. */
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
 * The connection that represents a server: the worst of the extension's own and the clients', the own one on
 * a tie. Undefined for an on-demand server without connections.
 */
export function worstConnection(server: ServerSnapshot): ConnectionSnapshot | undefined {
  const { connection, onDemand, clients } = server;
  const own = onDemand && connection.status === 'idle' ? [] : [connection];
  return worstOf([...own, ...clients.map((each) => each.connection)]);
}

/** The most urgent connection, the first on a tie. */
export function worstOf(connections: readonly ConnectionSnapshot[]): ConnectionSnapshot | undefined {
  return connections.reduce<ConnectionSnapshot | undefined>(
    (worst, each) => (worst && RANKS[worst.status] >= RANKS[each.status] ? worst : each),
    undefined,
  );
}

/** All connections to a server, each once: the extension's own, if any, and the clients'. */
export function connectionsOf({ connection, isOwn, clients }: ServerSnapshot): readonly ConnectionSnapshot[] {
  return [...(isOwn ? [connection] : []), ...clients.map((each) => each.connection)];
}

/** A connection that does not exist yet. @param since in ms since the epoch */
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
