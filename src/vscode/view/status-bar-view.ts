import { type FleetSnapshot, type ServerSnapshot, worstConnection } from '../../fleet/snapshot.ts';
import type { ConnectionSnapshot, ConnectionStatus } from '../../session/snapshot.ts';
import { COMMANDS } from './command-ids.ts';
import { markdownText, plainText, withoutSecrets } from './foreign-text.ts';
import { statusWords } from './status-words.ts';
import {
  ageWords,
  countdownWords,
  durationWords,
  spokenCountdown,
  untilAgeChanges,
  untilCountdownChanges,
} from './time-words.ts';
import { english, type Translate } from './translate.ts';

/** How many servers the tooltip lists; of the rest it tells the number. */
export const MAX_ROWS = 20;
/** How much of a name fits into the table, in characters; the editor's tooltip has a fixed width. */
const MAX_CELL = 28;
/** How many servers in trouble the screen reader is told by name. */
const MAX_SPOKEN = 3;

/** What the status bar shows. Everything foreign in it is escaped. */
export interface StatusBarView {
  readonly visible: boolean;
  readonly text: string;
  /** Markdown with theme icons and links to {@link COMMANDS}, and to nothing else. */
  readonly tooltipMarkdown: string;
  /** The state in words, for screen readers. */
  readonly accessibleLabel: string;
  /** `warning` colours the background: some server is down. */
  readonly severity: 'none' | 'warning';
  /** After how many ms ages and countdowns read differently; undefined when there are none. */
  readonly validForMs: number | undefined;
}

/** A server with the connection that it is shown by: the worst of its connections; undefined while it needs none. */
interface Shown extends Pick<ServerSnapshot, 'name' | 'tools' | 'clients'> {
  readonly connection: ConnectionSnapshot | undefined;
  readonly recoveries: number;
}

function shownOf(server: ServerSnapshot): Shown {
  const { name, tools, clients, connection } = server;
  const all = [connection, ...clients.map((each) => each.connection)];
  const recoveries = all.reduce((sum, each) => sum + each.recoveries, 0);
  return { name, tools, clients, connection: worstConnection(server), recoveries };
}

/** Computes what the status bar shows of a fleet at a moment, in ms since the epoch. */
export function renderStatusBar(snapshot: FleetSnapshot, now: number, t: Translate = english): StatusBarView {
  const servers = snapshot.servers.map(shownOf);
  const statuses = servers.flatMap(({ connection }) => (connection ? [connection.status] : []));
  const ready = statuses.filter((status) => status === 'ready').length;
  return {
    visible: servers.length > 0,
    text: statuses.length === 0 ? '$(plug) MCP' : `${icon(statuses)} MCP ${ready}/${statuses.length}`,
    tooltipMarkdown: tooltip(servers, now, t),
    accessibleLabel: accessibleLabel(servers, ready, now, t),
    severity: statuses.includes('down') ? 'warning' : 'none',
    validForMs: validFor(servers, now),
  };
}

/** What outweighs what: a server that needs a person, then one that heals, then all is well. */
function icon(statuses: readonly ConnectionStatus[]): string {
  if (statuses.includes('down') || statuses.includes('closed')) return '$(warning)';
  return statuses.every((status) => status === 'ready') ? '$(plug)' : '$(sync~spin)';
}

const STATUS_ICONS: Readonly<Record<ConnectionStatus, string>> = {
  idle: '$(sync~spin)',
  connecting: '$(sync~spin)',
  ready: '$(check)',
  unreachable: '$(sync~spin)',
  recovering: '$(sync~spin)',
  down: '$(warning)',
  paused: '$(debug-pause)',
  closed: '$(circle-slash)',
};

function tooltip(servers: readonly Shown[], now: number, t: Translate): string {
  const shown = servers.slice(0, MAX_ROWS);
  const hidden = servers.length - shown.length;
  const header = [
    t('Server'),
    t('State'),
    t('Session'),
    t('Generation'),
    t('Tools'),
    t('Clients'),
    t('Recoveries'),
  ];
  const rows = shown.map((server) => row(cells(server, now, t)));
  const table = [row(header), '|:--|:--|:--|--:|--:|--:|--:|', ...rows].join('\n');
  return [
    `**${t('MCP Sessions')}**`,
    table,
    ...(hidden > 0 ? [hidden === 1 ? t('and 1 more server') : t('and {0} more servers', hidden)] : []),
    ...shown.flatMap((server) => notes(server, now, t)),
    `[${t('Reset Session')}](command:${COMMANDS.resetSession}) · [${t('Show Log')}](command:${COMMANDS.showLog})`,
  ].join('\n\n');
}

const row = (texts: readonly string[]): string => `| ${texts.join(' | ')} |`;

/** The editor's tooltip is narrow: without this it breaks the lines of each cell. */
const unbroken = (text: string): string => text.replaceAll(' ', '\u00a0');

function cells(server: Shown, now: number, t: Translate): string[] {
  const { name, connection, tools, clients, recoveries } = server;
  return [
    markdownText(name, MAX_CELL),
    stateWords(connection, t),
    unbroken(connection ? sessionWords(connection, now, t) : '–'),
    connection?.generation ? String(connection.generation) : '–',
    tools === undefined ? '–' : String(tools),
    String(clients.length),
    String(recoveries),
  ];
}

function stateWords(connection: ConnectionSnapshot | undefined, t: Translate): string {
  const [icon, words] = connection
    ? [STATUS_ICONS[connection.status], statusWords(connection.status, t)]
    : ['$(circle-outline)', t('starts when used')];
  // The only cell that may be broken, and only between its words: some of them are long.
  return `${unbroken(`${icon} `)}${words}`;
}

function sessionWords({ sessionOpenedAt, stateless }: ConnectionSnapshot, now: number, t: Translate): string {
  if (sessionOpenedAt === undefined) return '–';
  return stateless ? t('stateless') : ageWords(now - sessionOpenedAt, t);
}

/** Below the table, what does not fit into it: what is wrong and what comes next, and the last recovery. */
function notes({ name, connection }: Shown, now: number, t: Translate): string[] {
  if (!connection) return [];
  const texts = [troubleWords(connection, now, t), recoveryWords(connection, now, t)];
  const known = texts.filter((text) => text !== undefined);
  return known.length > 0 ? [`**${markdownText(name)}**: ${known.join('; ')}`] : [];
}

function troubleWords(connection: ConnectionSnapshot, now: number, t: Translate): string | undefined {
  const { status, trouble } = connection;
  if (status === 'ready') return undefined;
  const next = nextAttempt(connection, now, t, countdownWords);
  const what = trouble && markdownText(withoutSecrets(trouble).replace(/\.$/, ''));
  const known = [what, next].filter((words) => words !== undefined);
  return known.length > 0 ? known.join(' – ') : undefined;
}

function recoveryWords({ lastRecovery }: ConnectionSnapshot, now: number, t: Translate): string | undefined {
  if (!lastRecovery) return undefined;
  const { at, cause, durationMs } = lastRecovery;
  const when = ageWords(now - at, t);
  const duration = durationWords(durationMs, t);
  return t('last recovery {0} ago, in {1} ({2})', when, duration, markdownText(withoutSecrets(cause)));
}

function nextAttempt(
  { attempt, nextAttemptAt, status }: ConnectionSnapshot,
  now: number,
  t: Translate,
  words: (ms: number, t: Translate) => string,
): string | undefined {
  if (status === 'ready' || status === 'closed') return undefined;
  if (nextAttemptAt !== undefined && nextAttemptAt > now)
    return t('retrying in {0}', words(nextAttemptAt - now, t));
  return attempt > 1 || nextAttemptAt !== undefined ? t('retrying now') : undefined;
}

function accessibleLabel(servers: readonly Shown[], ready: number, now: number, t: Translate): string {
  const connections = servers.flatMap(({ name, connection }) => (connection ? [{ name, connection }] : []));
  const troubled = connections.filter(({ connection }) => connection.status !== 'ready');
  const unnamed = troubled.length - MAX_SPOKEN;
  const resting = servers.length - connections.length;
  if (connections.length === 0 && resting > 0) return restingWords(resting, t, true);
  const sentences = [
    connections.length === 1
      ? t('MCP sessions: {0} of 1 server connected', ready)
      : t('MCP sessions: {0} of {1} servers connected', ready, connections.length),
    ...troubled.slice(0, MAX_SPOKEN).map((server) => spokenTrouble(server, now, t)),
    ...(unnamed > 0 ? [unnamed === 1 ? t('and 1 more server') : t('and {0} more servers', unnamed)] : []),
    ...(resting > 0 ? [restingWords(resting, t, false)] : []),
  ];
  return sentences.join('. ');
}

function restingWords(count: number, t: Translate, isAll: boolean): string {
  if (isAll) {
    return count === 1
      ? t('MCP sessions: 1 server starts when used')
      : t('MCP sessions: {0} servers start when used', count);
  }
  return count === 1 ? t('1 server starts when used') : t('{0} servers start when used', count);
}

function spokenTrouble(
  { name, connection }: { readonly name: string; readonly connection: ConnectionSnapshot },
  now: number,
  t: Translate,
): string {
  const next = nextAttempt(connection, now, t, spokenCountdown);
  return `${plainText(name)}: ${[statusWords(connection.status, t), ...(next ? [next] : [])].join(', ')}`;
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
