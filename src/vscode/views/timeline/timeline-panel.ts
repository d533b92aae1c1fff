import { Disposable, env, l10n, Uri, type WebviewPanel } from 'vscode';
import { type CancelTimer, systemClock } from '../../../base/environment.ts';
import type { FactHistory, NumberedFact } from '../../../hub/facts.ts';
import type { Focus, FromPage, ToPage } from '../../../webview/timeline/messages.ts';
import { timelineDocument } from './timeline-document.ts';
import { TimelineFeed } from './timeline-feed.ts';
import { timelineStrings } from './timeline-strings.ts';

/** Facts are sent in batches: this many ms after the first one, or at this many facts. */
const PACE = { ms: 100, facts: 500 } as const;

interface PanelParts {
  readonly history: FactHistory;
  readonly extensionUri: Uri;
}

/**
 * The panel with the timeline. The editor discards the page whenever it is hidden. A reloaded page reports that it
 * is ready, and gets all data again; the editor restores its view settings.
 */
export class TimelinePanel {
  readonly #panel: WebviewPanel;
  readonly #history: FactHistory;
  readonly #subscriptions: Disposable;
  /** Undefined while there is no page. */
  #feed: TimelineFeed | undefined;
  #queue: NumberedFact[] = [];
  #cancelFlush: CancelTimer | undefined;
  #focus: Focus | undefined;

  constructor(panel: WebviewPanel, { history, extensionUri }: PanelParts) {
    this.#panel = panel;
    this.#history = history;
    const folder = Uri.joinPath(extensionUri, 'dist', 'webview');
    const picture = (theme: string) => Uri.joinPath(extensionUri, 'media', `timeline-${theme}.svg`);
    panel.title = l10n.t('MCP Session Timeline');
    panel.iconPath = { light: picture('light'), dark: picture('dark') };
    panel.webview.options = { enableScripts: true, localResourceRoots: [folder] };
    this.#subscriptions = Disposable.from(
      panel.webview.onDidReceiveMessage((message: FromPage) => message.type === 'ready' && this.#start()),
      panel.onDidChangeViewState(() => this.#changedVisibility()),
      panel.onDidDispose(() => this.#end()),
      history.onFact((fact) => this.#take(fact)),
    );
    panel.webview.html = timelineDocument({
      title: panel.title,
      language: env.language,
      script: panel.webview.asWebviewUri(Uri.joinPath(folder, 'timeline.js')).toString(),
      style: panel.webview.asWebviewUri(Uri.joinPath(folder, 'timeline.css')).toString(),
      source: panel.webview.cspSource,
      nonce: crypto.randomUUID(),
    });
  }

  /** Brings the panel to the front, and shows a server or a fact in it. */
  show(focus: Focus): void {
    this.#focus = focus.server === undefined ? undefined : focus;
    this.#panel.reveal();
    if (this.#feed) this.#tellFocus();
  }

  dispose(): void {
    this.#panel.dispose();
  }

  #start(): void {
    this.#forgetQueue();
    this.#feed = new TimelineFeed(l10n.t);
    this.#post({
      type: 'show',
      language: env.language,
      strings: timelineStrings(l10n.t),
      limits: this.#history.limits,
      ...this.#feed.add(this.#history.facts, systemClock.now()),
    });
    this.#tellFocus();
  }

  #take(fact: NumberedFact): void {
    if (!this.#feed) return;
    this.#queue.push(fact);
    this.#cancelFlush ??= systemClock.after(PACE.ms, () => this.#flush(), { background: true });
    if (this.#queue.length >= PACE.facts) this.#flush();
  }

  #flush(): void {
    const facts = this.#queue;
    this.#forgetQueue();
    if (this.#feed && facts.length > 0)
      this.#post({ type: 'add', ...this.#feed.add(facts, systemClock.now()) });
  }

  #tellFocus(): void {
    if (!this.#focus) return;
    this.#flush();
    this.#post({ type: 'focus', ...this.#focus });
    this.#focus = undefined;
  }

  #post(message: ToPage): void {
    void this.#panel.webview.postMessage(message);
  }

  #changedVisibility(): void {
    if (!this.#panel.visible) this.#forgetPage();
  }

  #forgetPage(): void {
    this.#feed = undefined;
    this.#forgetQueue();
  }

  #forgetQueue(): void {
    this.#queue = [];
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
  }

  #end(): void {
    this.#forgetPage();
    this.#subscriptions.dispose();
  }
}
