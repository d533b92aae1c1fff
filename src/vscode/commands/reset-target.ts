import type { ConnectionSnapshot } from '../../client/observe/snapshot.ts';
import { type ServerSnapshot, worstConnection } from '../../hub/snapshot.ts';
import { statusLabel } from '../text/server-status.ts';
import { english, type Translate } from '../text/translate.ts';
import { maskTokens, plainText } from '../text/untrusted-text.ts';

/** What a reset is about. `name` is as in the configuration. */
export type ResetTarget =
  | { readonly kind: 'none configured' }
  | { readonly kind: 'all' }
  | { readonly kind: 'one'; readonly name: string }
  | { readonly kind: 'unknown'; readonly name: string }
  | { readonly kind: 'ask' };

/**
 * Decides what a reset is about.
 *
 * @param argument what the command was called with: a server name, `{ server: name }`, `{ all: true }`, `{ ask: true }`
 *   to ask even if there is one server only, or anything else for the usual: ask if there is a choice.
 */
export function resetTarget(argument: unknown, names: readonly string[]): ResetTarget {
  const [only, ...others] = names;
  if (only === undefined) return { kind: 'none configured' };
  const name = namedIn(argument);
  if (name !== undefined) return { kind: names.includes(name) ? 'one' : 'unknown', name };
  if (isTrue(argument, 'all')) return { kind: 'all' };
  return others.length > 0 || isTrue(argument, 'ask') ? { kind: 'ask' } : { kind: 'one', name: only };
}

/** The server that a command was called with, as a name or in an object; undefined when it was called with none. */
export function namedIn(argument: unknown): string | undefined {
  if (typeof argument === 'string') return argument;
  const server =
    typeof argument === 'object' && argument !== null && 'server' in argument ? argument.server : undefined;
  return typeof server === 'string' ? server : undefined;
}

function isTrue(argument: unknown, key: string): boolean {
  return (
    typeof argument === 'object' && argument !== null && (argument as Record<string, unknown>)[key] === true
  );
}

/** One line of the pick. */
export interface ResetPick {
  readonly label: string;
  readonly description: string;
  readonly target: ResetTarget;
}

/** The lines of the pick: all sessions first when there are several, then each server. */
export function resetPicks(servers: readonly ServerSnapshot[], t: Translate = english): ResetPick[] {
  const all: ResetPick = {
    label: t('All sessions'),
    description: t('{0} servers', servers.length),
    target: { kind: 'all' },
  };
  return [...(servers.length > 1 ? [all] : []), ...servers.map((server) => pickOf(server, t))];
}

function pickOf(server: ServerSnapshot, t: Translate): ResetPick {
  const { name, target: place, clients } = server;
  const words = [plainText(maskTokens(place)), ...stateLabel(worstConnection(server), t)];
  if (clients.length > 0) words.push(clients.length === 1 ? t('1 client') : t('{0} clients', clients.length));
  return { label: plainText(name), description: words.join(' · '), target: { kind: 'one', name } };
}

function stateLabel(connection: ConnectionSnapshot | undefined, t: Translate): string[] {
  if (!connection) return [t('starts when used')];
  const { generation, stateless, status } = connection;
  const session =
    generation === 0 ? t('no session yet') : stateless ? t('stateless') : t('generation {0}', generation);
  return status === 'ready' ? [session] : [statusLabel(connection, t), session];
}
