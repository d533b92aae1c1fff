import type { ConnectionSnapshot } from '../../client/observe/snapshot.ts';
import { type ServerSnapshot, worstConnection } from '../../hub/snapshot.ts';
import type { Translate } from './translate.ts';

/** A server with the connection that it is shown by: the worst of its connections; undefined while it needs none. */
export interface Shown extends Pick<ServerSnapshot, 'name' | 'paused' | 'latency' | 'refused'> {
  readonly connection: ConnectionSnapshot | undefined;
  /** Over all its connections. */
  readonly recoveries: number;
}

export function shownOf(server: ServerSnapshot): Shown {
  const { name, paused, latency, refused, connection, clients } = server;
  const all = [connection, ...clients.map((each) => each.connection)];
  const recoveries = all.reduce((sum, each) => sum + each.recoveries, 0);
  return { name, paused, latency, refused, connection: worstConnection(server), recoveries };
}

/** When the next attempt comes; undefined where none is waited for. */
export function nextAttempt(
  { attempt, nextAttemptAt, status }: ConnectionSnapshot,
  now: number,
  t: Translate,
  words: (ms: number, t: Translate) => string,
): string | undefined {
  if (status === 'ready' || status === 'closed' || status === 'paused') return undefined;
  if (nextAttemptAt !== undefined && nextAttemptAt > now)
    return t('retrying in {0}', words(nextAttemptAt - now, t));
  return attempt > 1 || nextAttemptAt !== undefined ? t('retrying now') : undefined;
}
