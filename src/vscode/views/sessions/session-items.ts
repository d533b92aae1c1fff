import type { ConnectionSnapshot } from '../../../client/observe/snapshot.ts';
import type { NumberedFact } from '../../../hub/facts.ts';
import {
  connectionsOf,
  type HubSnapshot,
  type ServerSnapshot,
  worstConnection,
} from '../../../hub/snapshot.ts';
import { factLabel, isNews } from '../../text/fact-label.ts';
import { iconOf, refusalLabel, type StatusIcon, statusLabel } from '../../text/server-status.ts';
import { ageLabel, durationLabel, untilAgeChanges } from '../../text/time-label.ts';
import { english, type Translate } from '../../text/translate.ts';
import { maskTokens, plainText } from '../../text/untrusted-text.ts';
import { type Generation, generationsOf } from './generations.ts';
import { serverTooltip } from './server-tooltip.ts';

/** How many earlier generations of a connection are listed. */
export const MAX_GENERATIONS = 10;
/** How many facts of a server are listed; the timeline has the others. */
export const MAX_FACTS = 8;
/** With more servers than this, each begins folded. */
const MAX_UNFOLDED = 3;

/** One row of the view. Everything foreign in it is plain text, or escaped in markdown. */
export interface SessionsItem {
  /** A stable id of the row, so that the editor keeps it expanded and selected. */
  readonly id: string;
  readonly kind: 'server' | 'waiting' | 'connection' | 'generation' | 'offers' | 'facts' | 'fact';
  /** As in the configuration: what the commands of the row's menu are about. */
  readonly server: string;
  readonly label: string;
  readonly description: string;
  readonly icon: StatusIcon;
  /** What the menus of the manifest ask for; only servers have menus. */
  readonly context?: 'server.running' | 'server.paused';
  /** Markdown without links and HTML; undefined where label and description say all. */
  readonly tooltipMarkdown?: string;
  /** The row as text, for screen readers. */
  readonly accessibleLabel: string;
  /** Whether its children are shown at first. */
  readonly unfolded: boolean;
  readonly children: readonly SessionsItem[];
  /** The number of a fact, with which the timeline finds it. */
  readonly seq?: number;
}

export interface SessionsView {
  readonly items: readonly SessionsItem[];
  /** Only for trouble: how many servers are down. */
  readonly badge: { readonly value: number; readonly tooltip: string } | undefined;
  /** After how many ms ages read differently; undefined when there are none. */
  readonly validForMs: number | undefined;
}

/** How a view words a moment. */
export interface Wording {
  readonly t: Translate;
  /** The time of day of a moment, in ms since the epoch. */
  readonly clock: (at: number) => string;
}

const plainClock = (at: number): string => new Date(at).toISOString().slice(11, 19);

/**
 * Computes the rows for a hub at the moment of its snapshot.
 *
 * @param events what happened lately, oldest first; answered requests are not looked for.
 */
export function renderSessions(
  { at: now, servers }: HubSnapshot,
  events: readonly NumberedFact[],
  { t, clock }: Wording = { t: english, clock: plainClock },
): SessionsView {
  const context = {
    now,
    t,
    clock,
    unfolded: servers.length <= MAX_UNFOLDED,
    isOnly: servers.length === 1,
  };
  return {
    items: servers.map((server) => serverItem(server, events, context)),
    badge: badgeOf(servers, t),
    validForMs: validFor(servers, now),
  };
}

interface Context extends Wording {
  readonly now: number;
  readonly unfolded: boolean;
  /** Whether there is no other server: then there is room for its facts. */
  readonly isOnly: boolean;
}

function serverItem(server: ServerSnapshot, events: readonly NumberedFact[], context: Context): SessionsItem {
  const { name } = server;
  const { t } = context;
  const mine = events.filter((fact) => fact.server === name);
  const worst = worstConnection(server);
  const refusal = refusalLabel(server.refused, t);
  const words = [
    ...(worst ? connectionLabels(worst, context) : [t('starts when used')]),
    ...(refusal === undefined ? [] : [refusal]),
  ];
  const label = plainText(name);
  return {
    id: idOf(name),
    kind: 'server',
    context: server.paused ? 'server.paused' : 'server.running',
    server: name,
    label,
    description: words.join(' · '),
    icon: iconOf(worst, refusal !== undefined),
    tooltipMarkdown: serverTooltip(server, worst, worst ? connectionLabels(worst, context) : [], context),
    accessibleLabel: `${label}: ${words.join(', ')}`,
    unfolded: context.unfolded,
    children: [
      ...connectionItems(server, mine, context),
      ...offersItems(server, t),
      ...factsItems(name, mine, context),
    ],
  };
}

/** State, generation and age; the problem, if there is one. */
function connectionLabels(connection: ConnectionSnapshot, { now, t }: Context): string[] {
  const { status, generation, trouble, stateless, sessionOpenedAt } = connection;
  if (status !== 'ready') {
    return [
      statusLabel(connection, t),
      ...(trouble ? [plainText(maskTokens(trouble).replace(/\.$/, ''))] : []),
    ];
  }
  const age = sessionOpenedAt === undefined ? [] : [ageLabel(now - sessionOpenedAt, t)];
  return [
    statusLabel(connection, t),
    ...(stateless ? [t('stateless')] : [t('generation {0}', generation), ...age]),
  ];
}

function connectionItems(
  { name, connection, isOwn, onDemand, clients }: ServerSnapshot,
  facts: readonly NumberedFact[],
  context: Context,
): SessionsItem[] {
  const { t } = context;
  const isShown = isOwn && !(onDemand && connection.status === 'idle');
  const own = isShown ? [{ client: undefined, connection }] : [];
  const all = [...own, ...clients];
  return all.map(({ client, connection: each }) => {
    // The only one is in the state that stands beside the server already.
    const words = all.length > 1 ? connectionLabels(each, context) : agreementLabel(each, t);
    const label =
      client !== undefined ? t('Client {0}', client) : all.length > 1 ? t('Extension') : t('Session');
    const session = each.sessionLabel === undefined ? [] : [each.sessionLabel];
    const spoken = words.length > 0 ? `${label}: ${words.join(', ')}` : label;
    return {
      id: idOf(name, 'connection', client),
      kind: 'connection',
      server: name,
      label,
      description: [...session, ...words].join(' · '),
      icon: { id: client === undefined ? 'plug' : 'vm-connect' },
      accessibleLabel: spoken,
      unfolded: false,
      children: earlier(
        facts.filter((fact) => fact.client === client),
        each,
      ).map((generation) => generationItem(name, client, generation, context)),
    };
  });
}

function agreementLabel(
  { generation, protocolVersion, recoveries, stateless }: ConnectionSnapshot,
  t: Translate,
): string[] {
  if (generation === 0) return [t('no session yet')];
  return [
    ...(protocolVersion === undefined ? [] : [t('protocol {0}', plainText(protocolVersion))]),
    ...(recoveries === 1 ? [t('1 recovery')] : []),
    ...(recoveries > 1 ? [t('{0} recoveries', recoveries)] : []),
    ...(stateless ? [t('stateless')] : []),
  ];
}

/** The generations before the current one. */
function earlier(facts: readonly NumberedFact[], { generation }: ConnectionSnapshot): readonly Generation[] {
  const all = generationsOf(facts);
  const isCurrent = all[0]?.generation === generation && all[0]?.to === undefined;
  return all.slice(isCurrent ? 1 : 0).slice(0, MAX_GENERATIONS);
}

function generationItem(
  server: string,
  client: number | undefined,
  { generation, from, to, cause }: Generation,
  { t, clock }: Context,
): SessionsItem {
  const label = t('Generation {0}', generation);
  const lasted = to === undefined ? clock(from) : t('{0}, for {1}', clock(from), durationLabel(to - from, t));
  const words = [lasted, ...(cause === undefined ? [] : [plainText(maskTokens(cause))])];
  return {
    id: idOf(server, 'generation', client, from),
    kind: 'generation',
    server,
    label,
    description: words.join(' · '),
    icon: { id: 'history' },
    accessibleLabel: `${label}: ${words.join(', ')}`,
    unfolded: false,
    children: [],
  };
}

function offersItems(server: ServerSnapshot, t: Translate): SessionsItem[] {
  const label = offerLabel(server, t).join(', ');
  if (label === '') return [];
  return [
    {
      id: idOf(server.name, 'offers'),
      kind: 'offers',
      server: server.name,
      label,
      description: '',
      icon: { id: 'tools' },
      accessibleLabel: label,
      unfolded: false,
      children: [],
    },
  ];
}

/** What was counted; of resources and prompts only what there is. */
function offerLabel({ tools, resources = 0, prompts = 0 }: ServerSnapshot, t: Translate): string[] {
  return [
    ...(tools === undefined ? [] : [tools === 1 ? t('1 tool') : t('{0} tools', tools)]),
    ...(resources === 0 ? [] : [resources === 1 ? t('1 resource') : t('{0} resources', resources)]),
    ...(prompts === 0 ? [] : [prompts === 1 ? t('1 prompt') : t('{0} prompts', prompts)]),
  ];
}

function factsItems(server: string, facts: readonly NumberedFact[], context: Context): SessionsItem[] {
  const { t } = context;
  const listed = facts.filter(isNews).slice(-MAX_FACTS);
  if (listed.length === 0) return [];
  const label = t('Latest events');
  return [
    {
      id: idOf(server, 'facts'),
      kind: 'facts',
      server,
      label,
      description: '',
      icon: { id: 'list-unordered' },
      accessibleLabel: label,
      unfolded: context.isOnly,
      children: listed.toReversed().map((fact) => factItem(fact, context)),
    },
  ];
}

function factItem({ server, client, seq, at, fact }: NumberedFact, { t, clock }: Context): SessionsItem {
  const words = factLabel(fact, t);
  const description = client === undefined ? words : t('Client {0}: {1}', client, words);
  return {
    id: idOf(server, 'fact', seq),
    kind: 'fact',
    server,
    label: clock(at),
    description,
    icon: { id: FACT_ICONS[fact.kind] ?? 'circle-small-filled' },
    accessibleLabel: `${clock(at)}: ${description}`,
    unfolded: false,
    children: [],
    seq,
  };
}

const FACT_ICONS: Readonly<Partial<Record<NumberedFact['fact']['kind'], string>>> = {
  connectionDown: 'warning',
  outcomeUnknown: 'warning',
  handshakeRefused: 'warning',
  requestFailed: 'warning',
  serverUnavailable: 'warning',
  sessionLost: 'warning',
  requestReplayed: 'debug-rerun',
  serverAnswered: 'pass',
  sessionOpened: 'pass',
  sessionReplaced: 'pass',
  resetRequested: 'debug-restart',
  connectionPaused: 'debug-pause',
  connectionResumed: 'debug-start',
};

function badgeOf(servers: readonly ServerSnapshot[], t: Translate): SessionsView['badge'] {
  const value = servers.filter((server) => worstConnection(server)?.status === 'down').length;
  if (value === 0) return undefined;
  return { value, tooltip: value === 1 ? t('1 MCP server is down') : t('{0} MCP servers are down', value) };
}

function validFor(servers: readonly ServerSnapshot[], now: number): number | undefined {
  const connections = servers.flatMap(connectionsOf);
  const changes = connections.flatMap(({ sessionOpenedAt, lastRecovery, stateless }) => [
    ...(sessionOpenedAt !== undefined && !stateless ? [untilAgeChanges(now - sessionOpenedAt)] : []),
    ...(lastRecovery ? [untilAgeChanges(now - lastRecovery.at)] : []),
  ]);
  return changes.length > 0 ? Math.min(...changes) : undefined;
}

/** No two things have the same: names may hold any character. */
function idOf(...parts: readonly (string | number | undefined)[]): string {
  return JSON.stringify(parts);
}
