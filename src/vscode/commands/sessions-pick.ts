import {
  commands,
  l10n,
  type QuickInputButton,
  type QuickPickItem,
  QuickPickItemKind,
  ThemeIcon,
  window,
} from 'vscode';
import type { FactHistory } from '../../hub/facts.ts';
import type { Hub } from '../../hub/hub.ts';
import { latestNews } from '../text/fact-label.ts';
import { plainText } from '../text/untrusted-text.ts';
import {
  type PickAct,
  type PickButton,
  type PickKnowledge,
  type PickRow,
  serverPick,
  sessionsPick,
} from './sessions-pick-view.ts';

export interface SessionsPickParts {
  readonly hub: Hub;
  readonly history: FactHistory;
  /** Whether a person wants no notifications of a server. */
  readonly isSilenced: (server: string) => boolean;
}

interface RowButton extends QuickInputButton {
  readonly act: PickButton;
}

interface RowItem extends QuickPickItem {
  readonly row: PickRow;
  readonly buttons?: readonly RowButton[];
}

/**
 * "MCP: Manage Sessions…", which a click on the indicator runs: the servers with what they are doing, live, and what can
 * be done about them. A server leads to what can be done about it alone.
 *
 * @returns what the chosen command has returned; undefined when none was chosen
 */
export async function showSessionsPick(parts: SessionsPickParts): Promise<unknown> {
  const chosen = await pickLive(parts);
  if (!chosen) return undefined;
  const act = 'server' in chosen ? await pickForServer(parts, chosen.server) : chosen;
  return act && commands.executeCommand(act.command, act.argument);
}

/** Resolves with a server that was chosen, or an act. */
function pickLive(parts: SessionsPickParts): Promise<PickAct | { readonly server: string } | undefined> {
  const { hub, history } = parts;
  const pick = window.createQuickPick<RowItem>();
  pick.title = l10n.t('MCP Sessions');
  pick.placeholder = l10n.t('Select a server or an action');
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  pick.keepScrollPosition = true;
  let shown = '';
  const draw = () => {
    const rows = sessionsPick(hub.snapshot(), knowledge(parts), l10n.t);
    const text = JSON.stringify(rows);
    if (text === shown) return;
    shown = text;
    const active = pick.activeItems.map(({ label }) => label);
    pick.items = rows.map(itemOf);
    const again = pick.items.filter(({ label }) => active.includes(label));
    if (again.length > 0) pick.activeItems = again;
  };
  draw();
  const watching = [
    hub.onDidChange(draw),
    history.onFact(({ fact }) => fact.kind !== 'requestAnswered' && draw()),
  ];
  return new Promise((resolve) => {
    pick.onDidAccept(() => {
      const row = pick.selectedItems[0]?.row;
      if (row?.kind === 'server') resolve({ server: row.server });
      if (row?.kind === 'act') resolve(row);
      pick.hide();
    });
    pick.onDidTriggerItemButton(({ button }) => {
      resolve((button as RowButton).act);
      pick.hide();
    });
    pick.onDidHide(() => {
      for (const each of watching) each.dispose();
      pick.dispose();
      resolve(undefined);
    });
    pick.show();
  });
}

async function pickForServer(parts: SessionsPickParts, name: string): Promise<PickAct | undefined> {
  const server = parts.hub.snapshot().servers.find((each) => each.name === name);
  // It may have been taken out of the settings while the pick was open.
  if (!server) return undefined;
  const picked = await window.showQuickPick(serverPick(server, knowledge(parts), l10n.t).map(itemOf), {
    title: l10n.t('MCP: {0}', plainText(name)),
    placeHolder: l10n.t('Select an action'),
  });
  return picked?.row.kind === 'act' ? picked.row : undefined;
}

function knowledge({ hub, history, isSilenced }: SessionsPickParts): PickKnowledge {
  return {
    news: latestNews(history.events),
    canLose: (server) => hub.faults(server).length > 0,
    isSilenced,
  };
}

function itemOf(row: PickRow): RowItem {
  switch (row.kind) {
    case 'separator':
      return { row, label: row.label, kind: QuickPickItemKind.Separator };
    case 'act':
      return { row, label: row.label, iconPath: new ThemeIcon(row.icon) };
    case 'server':
      return {
        row,
        label: row.label,
        description: row.description,
        ...(row.detail !== undefined && { detail: row.detail }),
        iconPath: new ThemeIcon(row.icon),
        buttons: row.buttons.map((act) => ({ act, iconPath: new ThemeIcon(act.icon), tooltip: act.tooltip })),
      };
  }
}
