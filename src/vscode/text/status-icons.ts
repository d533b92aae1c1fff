import type { ConnectionSnapshot, ConnectionStatus } from '../../client/observe/snapshot.ts';
import { waitsForSignIn } from './status-words.ts';

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
