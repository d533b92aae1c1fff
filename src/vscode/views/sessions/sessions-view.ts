import {
  type Command,
  Disposable,
  EventEmitter,
  env,
  l10n,
  MarkdownString,
  ThemeColor,
  ThemeIcon,
  type TreeDataProvider,
  TreeItem,
  TreeItemCollapsibleState,
  window,
} from 'vscode';
import type { FactHistory } from '../../../hub/facts.ts';
import type { Hub } from '../../../hub/hub.ts';
import { COMMANDS } from '../../commands/command-ids.ts';
import { Throttle } from '../throttle.ts';
import { renderSessions, type SessionsItem, type SessionsView } from './session-items.ts';
import { waitingItems } from './waiting-items.ts';
import type { WaitingServers } from './waiting-servers.ts';

/** The id of the view, as in the manifest. */
const VIEW = 'resilientMcp.sessions';
/** The shortest interval between redraws of the view, in ms. */
const PACE_MS = 250;

/** Shows the view "MCP Sessions": servers, their sessions and what happened lately. */
export function showSessions(hub: Hub, history: FactHistory, waiting: WaitingServers): Disposable {
  const items = new SessionItems();
  const view = window.createTreeView<SessionsItem>(VIEW, { treeDataProvider: items });
  const pace = new Throttle(() => {
    const rendered = render(hub, history, waiting);
    // Only when it differs: a badge that is set again blinks.
    if (rendered.badge?.value !== view.badge?.value) view.badge = rendered.badge;
    if (!view.visible) return undefined;
    items.show(rendered.items);
    return rendered.validForMs;
  });
  pace.now();
  return Disposable.from(
    view,
    items,
    pace,
    hub.onDidChange(() => pace.within(PACE_MS)),
    waiting.onDidChange(() => pace.within(PACE_MS)),
    history.onFact(({ fact }) => fact.kind !== 'requestAnswered' && pace.within(PACE_MS)),
    view.onDidChangeVisibility(() => pace.now()),
  );
}

function render(hub: Hub, history: FactHistory, waiting: WaitingServers): SessionsView {
  const format = new Intl.DateTimeFormat(env.language, { timeStyle: 'medium' });
  const wording = { t: l10n.t, clock: (at: number) => format.format(at) };
  const view = renderSessions(hub.snapshot(), history.events, wording);
  return { ...view, items: [...view.items, ...waitingItems(waiting.all, l10n.t)] };
}

/** The rows as the editor asks for them. */
class SessionItems implements TreeDataProvider<SessionsItem> {
  readonly #changed = new EventEmitter<void>();
  readonly onDidChangeTreeData = this.#changed.event;
  #items: readonly SessionsItem[] = [];
  #shown = '';

  show(items: readonly SessionsItem[]): void {
    const shown = JSON.stringify(items);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#items = items;
    this.#changed.fire();
  }

  getChildren(parent?: SessionsItem): SessionsItem[] {
    return [...(parent ? parent.children : this.#items)];
  }

  getTreeItem(item: SessionsItem): TreeItem {
    const row = new TreeItem(item.label, collapsibleState(item));
    row.id = item.id;
    row.description = item.description;
    row.contextValue = item.context ?? item.kind;
    row.iconPath = new ThemeIcon(
      item.icon.id,
      item.icon.color === undefined ? undefined : new ThemeColor(item.icon.color),
    );
    row.tooltip = item.tooltipMarkdown === undefined ? undefined : new MarkdownString(item.tooltipMarkdown);
    row.accessibilityInformation = { label: item.accessibleLabel };
    if (item.kind === 'waiting') row.command = manageTrust();
    if (item.seq !== undefined) row.command = showInTimeline(item.server, item.seq);
    return row;
  }

  dispose(): void {
    this.#changed.dispose();
  }
}

function collapsibleState({ children, unfolded }: SessionsItem): TreeItemCollapsibleState {
  if (children.length === 0) return TreeItemCollapsibleState.None;
  return unfolded ? TreeItemCollapsibleState.Expanded : TreeItemCollapsibleState.Collapsed;
}

/** Opens the editor's own page of it. */
function manageTrust(): Command {
  return { command: 'workbench.trust.manage', title: l10n.t('Manage Workspace Trust') };
}

function showInTimeline(server: string, seq: number): Command {
  return {
    command: COMMANDS.showTimeline,
    title: l10n.t('Show in Timeline'),
    arguments: [{ server, seq }],
  };
}
