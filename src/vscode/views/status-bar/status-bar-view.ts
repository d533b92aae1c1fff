import type { ConnectionSnapshot } from '../../../client/observe/snapshot.ts';
import type { HubSnapshot } from '../../../hub/snapshot.ts';
import {
  nextAttempt,
  refusalLabel,
  type Shown,
  shownOf,
  statusLabel,
  waitsForSignIn,
} from '../../text/server-status.ts';
import {
  countdownLabel,
  spokenCountdown,
  untilAgeChanges,
  untilCountdownChanges,
} from '../../text/time-label.ts';
import { english, type Translate } from '../../text/translate.ts';
import { plainText } from '../../text/untrusted-text.ts';
import { renderTooltip, type TooltipContext } from './status-tooltip.ts';

/** The number of failing servers that the accessible label names. */
const MAX_SPOKEN = 3;
/** A wait until the next attempt that is no longer is not shown, in ms: it would only flicker. */
const SHORT_WAIT_MS = 1000;

/** What the status bar shows. Everything foreign in it is escaped. */
export interface StatusBarView {
  readonly visible: boolean;
  readonly text: string;
  /** Markdown with theme icons and links to `TOOLTIP_COMMANDS`, and to nothing else. */
  readonly tooltipMarkdown: string;
  /** The state as text, for screen readers. */
  readonly accessibleLabel: string;
  /** `warning` colours the background: some server is down, its recovery budget used up. */
  readonly severity: 'none' | 'warning';
  /** After how many ms ages and countdowns read differently; undefined when there are none. */
  readonly validForMs: number | undefined;
}

/** What the view draws on beside the snapshot. */
export interface StatusBarContext extends Partial<Pick<TooltipContext, 'news'>> {
  /** The moment, in ms since the epoch. */
  readonly now: number;
  readonly t?: Translate;
}

/** Computes what the status bar shows of a hub. */
export function renderStatusBar(
  { servers }: HubSnapshot,
  { now, t = english, news = new Map() }: StatusBarContext,
): StatusBarView {
  const all = servers.map(shownOf);
  const counted = all.flatMap(({ paused, connection }) => (connection && !paused ? [connection] : []));
  return {
    visible: all.length > 0,
    text: barText(counted, all, now, t),
    tooltipMarkdown: renderTooltip(all, { now, t, news }),
    accessibleLabel: accessibleLabel(all, now, t),
    severity: counted.some(({ status }) => status === 'down') ? 'warning' : 'none',
    validForMs: validFor(all, now),
  };
}

function barText(
  counted: readonly ConnectionSnapshot[],
  all: readonly Shown[],
  now: number,
  t: Translate,
): string {
  const paused = all.filter((server) => server.paused).length;
  const refusal = all.some(({ refused }) => refused.length > 0) ? [t('agent refused')] : [];
  if (counted.length === 0 && refusal.length === 0) {
    return paused > 0 ? `$(debug-pause) ${t('MCP paused')}` : '$(plug) MCP';
  }
  const ready = counted.filter(({ status }) => status === 'ready');
  const isStateless =
    ready.length > 0 && ready.length === counted.length && ready.every(({ stateless }) => stateless);
  const isWell = ready.length === counted.length;
  // That all are connected is not all, where somebody stands outside.
  const [icon, ratio] =
    isWell && refusal.length > 0
      ? ['$(warning)', '']
      : [barIcon(counted), ` ${ready.length}/${counted.length}`];
  const parts = [
    `${icon} MCP${ratio}`,
    ...refusal,
    ...(isStateless ? [t('stateless')] : []),
    ...waitLabel(counted, now, t),
    ...(paused > 0 ? [t('{0} paused', paused)] : []),
  ];
  return parts.join(' · ');
}

/** Precedence: a server that needs the user, then a recovering one, then all is well. */
function barIcon(counted: readonly ConnectionSnapshot[]): string {
  const lost = counted.filter(({ status }) => status === 'down' || status === 'closed');
  if (lost.length > 0) return lost.every(waitsForSignIn) ? '$(key)' : '$(warning)';
  return counted.every(({ status }) => status === 'ready') ? '$(plug)' : '$(sync~spin)';
}

/** How long until the next attempt, where every server that is not connected is still being healed. */
function waitLabel(counted: readonly ConnectionSnapshot[], now: number, t: Translate): string[] {
  const healing = counted.filter(({ status }) => status !== 'ready');
  if (healing.some(({ status }) => status === 'down' || status === 'closed')) return [];
  const waits = healing.flatMap(({ nextAttemptAt }) =>
    nextAttemptAt !== undefined && nextAttemptAt - now > SHORT_WAIT_MS ? [nextAttemptAt - now] : [],
  );
  return waits.length > 0 ? [countdownLabel(Math.min(...waits), t)] : [];
}

function accessibleLabel(servers: readonly Shown[], now: number, t: Translate): string {
  const paused = servers.filter((server) => server.paused).length;
  const connections = servers.flatMap(({ name, paused: isPaused, connection }) =>
    connection && !isPaused ? [{ name, connection }] : [],
  );
  const resting = servers.length - connections.length - paused;
  const asides = [
    ...(resting > 0 ? [restingLabel(resting, t)] : []),
    ...(paused > 0 ? [pausedLabel(paused, t)] : []),
  ];
  const refusals = servers.flatMap(({ name, refused }) => {
    const words = refusalLabel(refused, t);
    return words === undefined ? [] : [`${plainText(name)}: ${words}`];
  });
  if (connections.length === 0) return t('MCP sessions: {0}', [...refusals, ...asides].join('. '));
  const troubled = connections.filter(({ connection }) => connection.status !== 'ready');
  const ready = connections.length - troubled.length;
  const unnamed = troubled.length - MAX_SPOKEN;
  const sentences = [
    connections.length === 1
      ? t('MCP sessions: {0} of 1 server connected', ready)
      : t('MCP sessions: {0} of {1} servers connected', ready, connections.length),
    ...troubled.slice(0, MAX_SPOKEN).map((server) => spokenTrouble(server, now, t)),
    ...(unnamed > 0 ? [unnamed === 1 ? t('and 1 more server') : t('and {0} more servers', unnamed)] : []),
    ...refusals.slice(0, MAX_SPOKEN),
    ...asides,
  ];
  return sentences.join('. ');
}

function restingLabel(count: number, t: Translate): string {
  return count === 1 ? t('1 server starts when used') : t('{0} servers start when used', count);
}

function pausedLabel(count: number, t: Translate): string {
  return count === 1 ? t('1 server is paused') : t('{0} servers are paused', count);
}

function spokenTrouble(
  { name, connection }: { readonly name: string; readonly connection: ConnectionSnapshot },
  now: number,
  t: Translate,
): string {
  const next = nextAttempt(connection, now, t, spokenCountdown);
  return `${plainText(name)}: ${[statusLabel(connection, t), ...(next ? [next] : [])].join(', ')}`;
}

function validFor(servers: readonly Shown[], now: number): number | undefined {
  const changes = servers.flatMap(({ connection }) => {
    if (!connection) return [];
    const { lastRecovery, nextAttemptAt, sessionOpenedAt, stateless } = connection;
    return [
      ...(nextAttemptAt !== undefined && nextAttemptAt > now
        ? [untilCountdownChanges(nextAttemptAt - now)]
        : []),
      ...(sessionOpenedAt !== undefined && !stateless ? [untilAgeChanges(now - sessionOpenedAt)] : []),
      ...(lastRecovery ? [untilAgeChanges(now - lastRecovery.at)] : []),
    ];
  });
  return changes.length > 0 ? Math.min(...changes) : undefined;
}
