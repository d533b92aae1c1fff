import type { ConnectionSnapshot, ConnectionStatus } from '../../client/observe/snapshot.ts';
import {
  connectionsOf,
  type RefusedClient,
  type ServerSnapshot,
  worstConnection,
} from '../../hub/snapshot.ts';
import { ageLabel, countdownLabel } from './time-label.ts';
import type { Translate } from './translate.ts';
import { maskTokens, plainText } from './untrusted-text.ts';

type Doing = Pick<ConnectionSnapshot, 'status'> & Partial<Pick<ConnectionSnapshot, 'failure'>>;

/** What a connection is doing, in a word or a few. */
export function statusLabel(connection: Doing, t: Translate): string {
  switch (connection.status) {
    case 'idle':
      return t('starting');
    case 'connecting':
      return t('connecting');
    case 'ready':
      return t('connected');
    case 'unreachable':
      return t('not answering');
    case 'recovering':
      return t('opening a new session');
    case 'down':
      return waitsForSignIn(connection) ? t('sign-in needed') : t('down');
    case 'paused':
      return t('paused');
    case 'closed':
      return t('closed');
  }
}

/** Whether no attempt can help before a person has signed in, or has given the server other credentials. */
export function waitsForSignIn({ status, failure }: Doing): boolean {
  return status === 'down' && failure === 'UNAUTHORIZED';
}

/** A product icon, and the theme colour it has if not that of the text. */
export interface StatusIcon {
  readonly id: string;
  readonly color?: string;
}

const ICONS: Readonly<Record<ConnectionStatus, StatusIcon>> = {
  idle: { id: 'sync~spin' },
  connecting: { id: 'sync~spin' },
  ready: { id: 'pass', color: 'testing.iconPassed' },
  unreachable: { id: 'sync~spin' },
  recovering: { id: 'sync~spin' },
  down: { id: 'warning', color: 'list.warningForeground' },
  paused: { id: 'debug-pause' },
  closed: { id: 'circle-slash' },
};

/**
 * The icon of what a server is doing, by its worst connection; undefined: it starts when it is used.
 * @param isRefused whether a client was refused there, which outweighs that all else is well
 */
export function iconOf(connection: ConnectionSnapshot | undefined, isRefused = false): StatusIcon {
  if (isRefused && (!connection || connection.status === 'ready')) return ICONS.down;
  if (!connection) return { id: 'circle-outline' };
  const icon = ICONS[connection.status];
  return waitsForSignIn(connection) ? { ...icon, id: 'key' } : icon;
}

/** A server with the connection that it is shown by: the worst of its connections; undefined while it needs none. */
export interface Shown extends Pick<ServerSnapshot, 'name' | 'paused' | 'latency' | 'refused'> {
  readonly connection: ConnectionSnapshot | undefined;
  /** Over all its connections. */
  readonly recoveries: number;
}

export function shownOf(server: ServerSnapshot): Shown {
  const { name, paused, latency, refused } = server;
  const recoveries = connectionsOf(server).reduce((sum, each) => sum + each.recoveries, 0);
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

/** What a name may take of a line, in characters. */
const MAX_NAME = 30;

/** The clients that a server refused for lack of the token, as plain text; undefined if none. */
export function refusalLabel(refused: readonly RefusedClient[], t: Translate): string | undefined {
  const [first] = refused;
  if (!first) return undefined;
  if (refused.length > 1) return t('{0} agents were refused: no token', refused.length);
  if (first.client === '') return t('an agent was refused: no token');
  return t('agent {0} was refused: no token', plainText(first.client, MAX_NAME));
}

/** State, generation and age of a server; for one in trouble what comes next; who was refused. Plain text, in parts. */
export function serverLabels({ connection, refused }: Shown, now: number, t: Translate): string[] {
  const refusal = refusalLabel(refused, t);
  return [...connectionLabels(connection, now, t), ...(refusal === undefined ? [] : [refusal])];
}

function connectionLabels(connection: ConnectionSnapshot | undefined, now: number, t: Translate): string[] {
  if (!connection) return [t('starts when used')];
  const { status, generation, stateless, sessionOpenedAt } = connection;
  const next = nextAttempt(connection, now, t, countdownLabel);
  if (status !== 'ready') return [statusLabel(connection, t), ...(next ? [next] : [])];
  const age = sessionOpenedAt === undefined ? [] : [ageLabel(now - sessionOpenedAt, t)];
  const session = stateless ? [t('stateless')] : [t('generation {0}', generation), ...age];
  return [statusLabel(connection, t), ...session];
}

/** The problem of a connection, as one sentence without an end mark; undefined if there is none. */
export function troubleText(connection: ConnectionSnapshot | undefined): string | undefined {
  if (!connection?.trouble || connection.status === 'ready') return undefined;
  return plainText(maskTokens(connection.trouble).replace(/\.$/, ''));
}
