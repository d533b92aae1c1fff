import type { NumberedFact } from '../../hub/facts.ts';
import type { HubSnapshot, ServerSnapshot } from '../../hub/snapshot.ts';
import { factLabel } from '../text/fact-label.ts';
import { iconOf, serverLabels, shownOf, troubleText } from '../text/server-status.ts';
import { english, type Translate } from '../text/translate.ts';
import { plainText } from '../text/untrusted-text.ts';
import { COMMANDS, type CommandId } from './command-ids.ts';

/** A command and what it is about. */
export interface PickAct {
  readonly command: CommandId;
  /** Undefined: all servers, or none in particular. */
  readonly argument?: { readonly server: string } | { readonly all: true };
}

/** A button of a row. */
export interface PickButton extends PickAct {
  readonly icon: string;
  readonly tooltip: string;
}

/** One row of the pick that the indicator opens. Everything foreign in it is plain text. */
export type PickRow =
  | { readonly kind: 'separator'; readonly label: string }
  | {
      readonly kind: 'server';
      /** As in the configuration. */
      readonly server: string;
      readonly label: string;
      readonly description: string;
      readonly detail: string | undefined;
      readonly icon: string;
      readonly buttons: readonly PickButton[];
    }
  | (PickAct & { readonly kind: 'act'; readonly label: string; readonly icon: string });

/** State of the servers besides their snapshots. */
export interface PickKnowledge {
  /** The last news of each server, by its name. */
  readonly news?: ReadonlyMap<string, NumberedFact>;
  /** Whether a fault can be simulated at a server now. */
  readonly canLose?: (server: string) => boolean;
  /** Whether a person wants no notifications of a server. */
  readonly isSilenced?: (server: string) => boolean;
}

/** The servers, each with what it is doing, and below them what can be done about all of them. */
export function sessionsPick(
  { at: now, servers }: HubSnapshot,
  { news = new Map(), canLose = () => false }: PickKnowledge = {},
  t: Translate = english,
): PickRow[] {
  const running = servers.filter(({ paused }) => !paused);
  return [
    ...servers.map((server) => serverRow(server, news.get(server.name), now, t)),
    { kind: 'separator', label: t('Actions') },
    ...(running.length > 1
      ? [act(t('Reset All Sessions'), 'debug-restart', COMMANDS.resetSession, { all: true })]
      : []),
    act(t('Show Timeline'), 'graph-line', COMMANDS.showTimeline),
    act(t('Diagnose Server…'), 'checklist', COMMANDS.diagnoseServer),
    ...(servers.some(({ name }) => canLose(name))
      ? [act(t('Simulate a Lost Session…'), 'beaker', COMMANDS.simulateLoss)]
      : []),
    act(t('Protect a Server…'), 'add', COMMANDS.protectServer),
    act(t('Copy Gateway Configuration…'), 'copy', COMMANDS.copyGatewayConfiguration),
    act(t('Show Log'), 'output', COMMANDS.showLog),
  ];
}

function serverRow(
  server: ServerSnapshot,
  last: NumberedFact | undefined,
  now: number,
  t: Translate,
): PickRow {
  const { name } = server;
  const shown = shownOf(server);
  return {
    kind: 'server',
    server: name,
    label: plainText(name),
    description: serverLabels(shown, now, t).join(' · '),
    detail: troubleText(shown.connection) ?? (last ? factLabel(last.fact, t) : undefined),
    icon: iconOf(shown.connection, shown.refused.length > 0).id,
    buttons: [
      server.paused
        ? button(t('Resume Server'), 'debug-start', COMMANDS.resumeServer, name)
        : button(t('Reset Session'), 'debug-restart', COMMANDS.resetSession, name),
      button(t('Show Timeline'), 'graph-line', COMMANDS.showTimeline, name),
    ],
  };
}

/** The actions for one server. */
export function serverPick(
  { name, paused }: ServerSnapshot,
  { canLose = () => false, isSilenced = () => false }: PickKnowledge = {},
  t: Translate = english,
): PickRow[] {
  const about = { server: name };
  return [
    ...(paused
      ? [act(t('Resume Server'), 'debug-start', COMMANDS.resumeServer, about)]
      : [
          act(t('Reset Session'), 'debug-restart', COMMANDS.resetSession, about),
          act(t('Pause Server'), 'debug-pause', COMMANDS.pauseServer, about),
        ]),
    act(t('Show Timeline'), 'graph-line', COMMANDS.showTimeline, about),
    act(t('Diagnose Server'), 'checklist', COMMANDS.diagnoseServer, about),
    ...(canLose(name) ? [act(t('Simulate a Lost Session…'), 'beaker', COMMANDS.simulateLoss, about)] : []),
    ...(isSilenced(name) ? [act(t('Show Notifications Again'), 'bell', COMMANDS.notifyAgain, about)] : []),
    act(t('Show Log'), 'output', COMMANDS.showLog),
  ];
}

function act(label: string, icon: string, command: CommandId, argument?: PickAct['argument']): PickRow {
  return { kind: 'act', label, icon, command, ...(argument && { argument }) };
}

function button(tooltip: string, icon: string, command: CommandId, server: string): PickButton {
  return { tooltip, icon, command, argument: { server } };
}
