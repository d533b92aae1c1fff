import { Disposable, l10n, MarkdownString, StatusBarAlignment, ThemeColor, window } from 'vscode';
import type { FactHistory } from '../../../hub/facts.ts';
import type { Hub } from '../../../hub/hub.ts';
import { COMMANDS } from '../../commands/command-ids.ts';
import { isNews, latestNews } from '../../text/fact-label.ts';
import { Throttle } from '../throttle.ts';
import { renderStatusBar } from './status-bar-view.ts';
import { TOOLTIP_COMMANDS } from './status-tooltip.ts';

/** How soon the tooltip tells of what changes nothing in the bar, in ms. */
const NEWS_MS = 250;
/** The same of the latencies, which every answer changes a little. */
const LATENCIES_MS = 5000;

/** Shows the hub in the status bar, on every change and whenever an age or a countdown reads differently. */
export function showStatusBar(hub: Hub, history: FactHistory): Disposable {
  const item = window.createStatusBarItem('resilientMcp.sessions', StatusBarAlignment.Left);
  item.name = l10n.t('MCP Sessions');
  item.command = COMMANDS.showSessions;
  let shown: string | undefined;
  const pace = new Throttle(() => {
    const snapshot = hub.snapshot();
    const news = latestNews(history.events);
    const view = renderStatusBar(snapshot, { now: snapshot.at, t: l10n.t, news });
    item.text = view.text;
    // A new object, even with the same text, makes an open tooltip blink.
    if (view.tooltipMarkdown !== shown) item.tooltip = trusted(view.tooltipMarkdown);
    shown = view.tooltipMarkdown;
    item.accessibilityInformation = { label: view.accessibleLabel, role: 'button' };
    item.backgroundColor =
      view.severity === 'warning' ? new ThemeColor('statusBarItem.warningBackground') : undefined;
    view.visible ? item.show() : item.hide();
    return view.validForMs;
  });
  pace.now();
  return Disposable.from(
    item,
    pace,
    hub.onDidChange(() => pace.now()),
    history.onFact((fact) => pace.within(isNews(fact) ? NEWS_MS : LATENCIES_MS)),
  );
}

/** Markdown whose links may run the commands that are meant, and no others. */
function trusted(markdown: string): MarkdownString {
  const tooltip = new MarkdownString(markdown, true);
  tooltip.isTrusted = { enabledCommands: [...TOOLTIP_COMMANDS] };
  return tooltip;
}
