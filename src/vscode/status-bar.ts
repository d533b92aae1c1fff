import { Disposable, l10n, MarkdownString, StatusBarAlignment, ThemeColor, window } from 'vscode';
import type { Fleet } from '../fleet/fleet.ts';
import { type CancelTimer, systemClock } from '../session/environment.ts';
import { COMMANDS } from './view/command-ids.ts';
import { renderStatusBar } from './view/status-bar-view.ts';

/** Shows the fleet in the status bar, on every change and whenever an age or a countdown reads differently. */
export function showStatusBar(fleet: Fleet): Disposable {
  const item = window.createStatusBarItem('resilientMcp.sessions', StatusBarAlignment.Left);
  item.name = l10n.t('MCP Sessions');
  // Asks even with one server: a click on an indicator must not end a session.
  item.command = {
    command: COMMANDS.resetSession,
    title: l10n.t('Reset Session'),
    arguments: [{ ask: true }],
  };
  let cancelTimer: CancelTimer = () => {};
  let shown: string | undefined;
  const render = () => {
    cancelTimer();
    const snapshot = fleet.snapshot();
    const view = renderStatusBar(snapshot, snapshot.at, l10n.t);
    item.text = view.text;
    // A new object, even with the same text, makes an open tooltip blink.
    if (view.tooltipMarkdown !== shown) item.tooltip = trusted(view.tooltipMarkdown);
    shown = view.tooltipMarkdown;
    item.accessibilityInformation = { label: view.accessibleLabel, role: 'button' };
    item.backgroundColor =
      view.severity === 'warning' ? new ThemeColor('statusBarItem.warningBackground') : undefined;
    view.visible ? item.show() : item.hide();
    cancelTimer =
      view.validForMs === undefined
        ? () => {}
        : systemClock.after(view.validForMs, render, { background: true });
  };
  render();
  return Disposable.from(item, fleet.onDidChange(render), { dispose: () => cancelTimer() });
}

/** Markdown whose links may run our own commands, and no others. */
function trusted(markdown: string): MarkdownString {
  const tooltip = new MarkdownString(markdown, true);
  tooltip.isTrusted = { enabledCommands: Object.values(COMMANDS) };
  return tooltip;
}
