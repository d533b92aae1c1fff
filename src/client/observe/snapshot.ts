import type { ErrorCode } from '../../protocol/errors.ts';
import { shortened } from '../../protocol/http/secrets.ts';
import type { Session } from '../session/session.ts';
import { type ConnectionState, isHealing } from '../session/state.ts';

/** What a display may know of one connection, at one moment. Plain data: safe to keep, compare and serialise. */

/**
 * The public state of a connection.
 *
 * - `idle`: not started. `connecting`: the first session is being opened.
 * - `ready`: a session is held and the server has answered on it.
 * - `unreachable`: the server does not answer; the session is kept and the server is asked again.
 * - `recovering`: the session is gone; a new one is being opened.
 * - `down`: patience is used up. Attempts go on slowly in the background, and at once when asked.
 * - `paused`: its owner wants nothing sent; no session is held and none is opened before it is resumed.
 * - `closed`: ended by its owner.
 */
export type ConnectionStatus =
  | 'idle'
  | 'connecting'
  | 'ready'
  | 'unreachable'
  | 'recovering'
  | 'down'
  | 'paused'
  | 'closed';

export interface RecoverySummary {
  /** When it ended, in ms since the epoch. */
  readonly at: number;
  /** From the first sign of loss to the new session, in ms. */
  readonly durationMs: number;
  /** Why, in words for a person: `404 to tools/call: Session not found`. */
  readonly cause: string;
}

export interface ConnectionSnapshot {
  readonly status: ConnectionStatus;
  /** When `status` began, in ms since the epoch. */
  readonly since: number;
  /** The running number of the session: 0 before the first, then 1, 2, 3 … */
  readonly generation: number;
  /** When the current session was opened, in ms since the epoch; undefined before the first. */
  readonly sessionOpenedAt: number | undefined;
  /** First characters of the session id, for logs and displays; undefined when there is none. */
  readonly sessionLabel: string | undefined;
  /** True when the server answered initialize without issuing a session id. */
  readonly stateless: boolean;
  readonly protocolVersion: string | undefined;
  readonly server: { readonly name: string; readonly version: string } | undefined;
  /** Sessions replaced since the connection was started, resets included. */
  readonly recoveries: number;
  /** Requests sent again on a new session or after an outage. */
  readonly replays: number;
  readonly lastRecovery: RecoverySummary | undefined;
  /** Running number of the attempt under way, or 0. */
  readonly attempt: number;
  /** When the next attempt is due, in ms since the epoch; undefined when none is waited for. */
  readonly nextAttemptAt: number | undefined;
  /** Why the connection is not ready, in words for a person. */
  readonly trouble: string | undefined;
  /** The same as a code, for whoever must not read words: `UNAUTHORIZED` waits for a person to sign in. */
  readonly failure: ErrorCode | undefined;
}

/**
 * The snapshot of a connection at this moment. Pure.
 * @param wall a moment of the monotonic clock, in ms since the epoch
 */
export function snapshotOf(
  wall: (moment: number) => number,
  state: ConnectionState,
  session: Session | undefined,
  server: { readonly name: string; readonly version: string } | undefined,
  history: Pick<ConnectionSnapshot, 'recoveries' | 'replays' | 'lastRecovery'>,
): ConnectionSnapshot {
  // A session in doubt for the length of one ping is no news yet.
  const isAsking = state.kind === 'unreachable' && state.attempt <= 1 && state.nextAttemptAt === undefined;
  const healing = isHealing(state) && !isAsking ? state : undefined;
  const id = session?.negotiated.sessionId;
  return {
    status: isAsking ? 'ready' : state.kind,
    since: wall(state.since),
    generation: state.generation,
    sessionOpenedAt: session?.openedAt,
    sessionLabel: id === undefined ? undefined : shortened(id),
    stateless: session !== undefined && id === undefined && !session.negotiated.isWire,
    protocolVersion: session?.negotiated.protocolVersion,
    server: server && { name: server.name, version: server.version },
    recoveries: history.recoveries,
    replays: history.replays,
    lastRecovery: history.lastRecovery,
    attempt: healing?.attempt ?? 0,
    nextAttemptAt: healing?.nextAttemptAt === undefined ? undefined : wall(healing.nextAttemptAt),
    trouble: healing?.trouble,
    failure: healing?.failure,
  };
}
