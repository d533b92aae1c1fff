import type { LatencySummary } from '../../../client/observe/metrics.ts';
import type { ConnectionSnapshot } from '../../../client/observe/snapshot.ts';
import type { NumberedFact } from '../../../hub/facts.ts';
import { COMMANDS, type CommandId } from '../../commands/command-ids.ts';
import { factLabel } from '../../text/fact-label.ts';
import { iconOf, nextAttempt, refusalLabel, type Shown, statusLabel } from '../../text/server-status.ts';
import { ageLabel, countdownLabel, durationLabel } from '../../text/time-label.ts';
import type { Translate } from '../../text/translate.ts';
import { markdownText, maskTokens } from '../../text/untrusted-text.ts';

/** How many servers the tooltip lists; of the rest it tells the number. */
export const MAX_ROWS = 20;
/** How much of a name fits into the table, in characters; the editor's tooltip has a fixed width. */
const MAX_CELL = 28;

/** The commands to which the tooltip links; all others stay untrusted in it. */
export const TOOLTIP_COMMANDS: readonly CommandId[] = [
  COMMANDS.resetSession,
  COMMANDS.resumeServer,
  COMMANDS.showTimeline,
  COMMANDS.showLog,
];

export interface TooltipContext {
  /** In ms since the epoch. */
  readonly now: number;
  readonly t: Translate;
  /** The last news of each server, by its name. */
  readonly news: ReadonlyMap<string, NumberedFact>;
}

/** The tooltip as Markdown: a table with a row for each server, and below it what does not fit into a row. */
export function renderTooltip(servers: readonly Shown[], context: TooltipContext): string {
  const { t } = context;
  const shown = servers.slice(0, MAX_ROWS);
  const hidden = servers.length - shown.length;
  const header = [
    t('Server'),
    t('State'),
    t('Session'),
    t('Generation'),
    t('Recoveries'),
    t('p50 / p95'),
    '',
  ];
  const rows = shown.map((server) => row(cells(server, context)));
  return [
    `**${t('MCP Sessions')}**`,
    [row(header), '|:--|:--|:--|--:|--:|--:|:--|', ...rows].join('\n'),
    ...(hidden > 0 ? [hidden === 1 ? t('and 1 more server') : t('and {0} more servers', hidden)] : []),
    ...shown.flatMap((server) => notes(server, context)),
    `[${t('Show Timeline')}](command:${COMMANDS.showTimeline}) · [${t('Show Log')}](command:${COMMANDS.showLog})`,
  ].join('\n\n');
}

const row = (texts: readonly string[]): string => `| ${texts.join(' | ')} |`;

/** The editor's tooltip is narrow: without this it breaks the lines of each cell. */
const unbroken = (text: string): string => text.replaceAll(' ', '\u00a0');

function cells(server: Shown, { now, t }: TooltipContext): string[] {
  const { name, connection, recoveries, latency, refused } = server;
  return [
    link(markdownText(name, MAX_CELL), COMMANDS.showTimeline, name, t('Show Timeline')),
    stateLabel(connection, refused.length > 0, t),
    unbroken(connection ? sessionLabel(connection, now, t) : '–'),
    connection?.generation ? String(connection.generation) : '–',
    String(recoveries),
    unbroken(latencyLabel(latency, t)),
    act(server, t),
  ];
}

function stateLabel(connection: ConnectionSnapshot | undefined, isRefused: boolean, t: Translate): string {
  const icon = `$(${iconOf(connection, isRefused).id})`;
  const outweighs = isRefused && (!connection || connection.status === 'ready');
  const state = connection ? statusLabel(connection, t) : t('starts when used');
  // May be broken, but only between its words: some of them are long.
  return `${unbroken(`${icon} `)}${outweighs ? t('agent refused') : state}`;
}

function sessionLabel({ sessionOpenedAt, stateless }: ConnectionSnapshot, now: number, t: Translate): string {
  if (sessionOpenedAt === undefined) return '–';
  return stateless ? t('stateless') : ageLabel(now - sessionOpenedAt, t);
}

function latencyLabel({ p50Ms, p95Ms }: LatencySummary, t: Translate): string {
  if (p50Ms === undefined || p95Ms === undefined) return '–';
  if (p95Ms < 1000) return t('{0} / {1} ms', Math.round(p50Ms), Math.round(p95Ms));
  return `${durationLabel(p50Ms, t)} / ${durationLabel(p95Ms, t)}`;
}

/** One icon: with a second one the tooltip is too narrow for the row, and breaks each of its cells. */
function act({ name, paused }: Shown, t: Translate): string {
  return paused
    ? link('$(debug-start)', COMMANDS.resumeServer, name, t('Resume Server'))
    : link('$(debug-restart)', COMMANDS.resetSession, name, t('Reset Session'));
}

/** A link that runs a command about one server. Nothing of the name is left in it that Markdown could read. */
function link(label: string, command: CommandId, server: string, title: string): string {
  const query = encodeURIComponent(JSON.stringify([{ server }])).replace(
    /[!'()*~_]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16)}`,
  );
  return `[${label}](command:${command}?${query} "${title}")`;
}

/**
 * Below the table, what does not fit into it: what is wrong and what comes next, or what happened last; and the last
 * recovery, where that is something else.
 */
function notes({ name, connection, refused }: Shown, { now, t, news }: TooltipContext): string[] {
  const last = news.get(name)?.fact;
  const trouble = connection && troubleText(connection, now, t);
  const happened = last && markdownText(factLabel(last, t));
  const isRecovery = trouble === undefined && last?.kind === 'sessionReplaced';
  const refusal = refusalLabel(refused, t);
  const texts = [
    refusal && markdownText(refusal),
    trouble ?? happened,
    connection && !isRecovery ? recoveryLabel(connection, now, t) : undefined,
  ];
  const known = texts.filter((text) => text !== undefined);
  return known.length > 0 ? [`**${markdownText(name)}**: ${known.join('; ')}`] : [];
}

function troubleText(connection: ConnectionSnapshot, now: number, t: Translate): string | undefined {
  const { status, trouble } = connection;
  if (status === 'ready') return undefined;
  const next = nextAttempt(connection, now, t, countdownLabel);
  const what = trouble && markdownText(maskTokens(trouble).replace(/\.$/, ''));
  const known = [what, next].filter((words) => words !== undefined);
  return known.length > 0 ? known.join(' – ') : undefined;
}

function recoveryLabel({ lastRecovery }: ConnectionSnapshot, now: number, t: Translate): string | undefined {
  if (!lastRecovery) return undefined;
  const { at, cause, durationMs } = lastRecovery;
  const when = ageLabel(now - at, t);
  const duration = durationLabel(durationMs, t);
  return t('last recovery {0} ago, in {1} ({2})', when, duration, markdownText(maskTokens(cause)));
}
