/** The parts of the double that show trees and webviews. */
import type * as vscode from 'vscode';

type Listener<T> = (value: T) => unknown;

/** Listeners of one kind of event. */
class Listeners<T> {
  readonly #listeners = new Set<Listener<T>>();

  readonly event = (listener: Listener<T>): { dispose(): void } => {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  };

  fire(value: T): void {
    for (const listener of [...this.#listeners]) listener(value);
  }
}

/** A tree view, as much of it as a test looks at. */
export class TreeDouble<Item> {
  visible = true;
  badge: vscode.ViewBadge | undefined;
  isDisposed = false;
  readonly #provider: vscode.TreeDataProvider<Item>;
  readonly #changed = new Listeners<{ visible: boolean }>();
  readonly onDidChangeVisibility = this.#changed.event;

  constructor(provider: vscode.TreeDataProvider<Item>) {
    this.#provider = provider;
  }

  /** The rows below `parent`, as the editor would make them. */
  async rows(parent?: Item): Promise<{ readonly item: Item; readonly row: vscode.TreeItem }[]> {
    const items = (await this.#provider.getChildren(parent)) ?? [];
    return Promise.all(items.map(async (item) => ({ item, row: await this.#provider.getTreeItem(item) })));
  }

  onDidChangeRows(listener: () => unknown): { dispose(): void } {
    return this.#provider.onDidChangeTreeData?.(listener) ?? { dispose: () => {} };
  }

  show(visible: boolean): void {
    this.visible = visible;
    this.#changed.fire({ visible });
  }

  dispose(): void {
    this.isDisposed = true;
  }
}

/** A webview panel. Its page is played by the test. */
export class PanelDouble {
  title = '';
  visible = true;
  revealed = 0;
  /** What the extension has sent to the page. */
  readonly posted: unknown[] = [];
  readonly #posted = new Listeners<unknown>();
  readonly #received = new Listeners<unknown>();
  readonly #viewState = new Listeners<void>();
  readonly #disposed = new Listeners<void>();
  readonly onDidPost = this.#posted.event;
  readonly onDidChangeViewState = this.#viewState.event;
  readonly onDidDispose = this.#disposed.event;
  readonly webview = {
    html: '',
    options: {},
    cspSource: 'https://*.example',
    onDidReceiveMessage: this.#received.event,
    asWebviewUri: (uri: vscode.Uri) => uri,
    postMessage: async (message: unknown) => {
      this.posted.push(message);
      this.#posted.fire(message);
      return this.visible;
    },
  };

  /** The page sends something. */
  send(message: unknown): void {
    this.#received.fire(message);
  }

  show(visible: boolean): void {
    this.visible = visible;
    this.#viewState.fire();
  }

  reveal(): void {
    this.revealed++;
  }

  dispose(): void {
    this.#disposed.fire();
  }
}

/** The views of one editor. */
export class Views {
  /** Undefined before the extension has made it. */
  tree: TreeDouble<unknown> | undefined;
  readonly panels: PanelDouble[] = [];
  readonly serializers = new Map<string, vscode.WebviewPanelSerializer>();

  createTreeView<Item>(
    _id: string,
    { treeDataProvider }: { treeDataProvider: vscode.TreeDataProvider<Item> },
  ): TreeDouble<Item> {
    const tree = new TreeDouble(treeDataProvider);
    this.tree = tree as unknown as TreeDouble<unknown>;
    return tree;
  }

  createWebviewPanel(): PanelDouble {
    const panel = new PanelDouble();
    this.panels.push(panel);
    return panel;
  }

  registerWebviewPanelSerializer(
    type: string,
    serializer: vscode.WebviewPanelSerializer,
  ): { dispose(): void } {
    this.serializers.set(type, serializer);
    return { dispose: () => this.serializers.delete(type) };
  }
}

export const TreeItemCollapsibleState = { None: 0, Collapsed: 1, Expanded: 2 } as const;
export const ViewColumn = { Active: -1 } as const;

export class TreeItem {
  readonly label: string;
  readonly collapsibleState: number;

  constructor(label: string, collapsibleState: number) {
    this.label = label;
    this.collapsibleState = collapsibleState;
  }
}

export class ThemeIcon {
  readonly id: string;
  readonly color: unknown;

  constructor(id: string, color?: unknown) {
    this.id = id;
    this.color = color;
  }
}
