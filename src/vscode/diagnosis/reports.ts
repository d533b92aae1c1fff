import {
  commands,
  type Disposable,
  l10n,
  type TextDocumentContentProvider,
  Uri,
  window,
  workspace,
} from 'vscode';

/** The scheme of the addresses of reports. */
const SCHEME = 'resilient-mcp-report';
/** The editor's Markdown preview, which has a tab for each document. */
const PREVIEW = 'vscode.markdown.preview.editor';
/** How many reports can be read again after they were closed; the oldest go first. */
const MAX_REPORTS = 10;

/**
 * Documents that were written here and are nowhere saved: shown as what their Markdown means, and readable as it
 * stands.
 */
export class Reports implements TextDocumentContentProvider {
  readonly #texts = new Map<string, string>();
  readonly #registration: Disposable;
  #count = 0;

  constructor() {
    this.#registration = workspace.registerTextDocumentContentProvider(SCHEME, this);
  }

  provideTextDocumentContent(uri: Uri): string {
    // A window that was reloaded asks for what it showed.
    return (
      this.#texts.get(uri.authority) ??
      l10n.t('This report is no longer available. Run **MCP: Diagnose Server** again.')
    );
  }

  /** Shows a Markdown text in a new editor with this name. */
  async show(name: string, text: string): Promise<void> {
    this.#count += 1;
    const key = `report-${this.#count}`;
    this.#texts.set(key, text);
    for (const old of this.#texts.keys()) if (this.#texts.size > MAX_REPORTS) this.#texts.delete(old);
    const uri = Uri.from({ scheme: SCHEME, authority: key, path: `/${name}` });
    try {
      // Not markdown.showPreview: all documents share that one, and it goes on showing the one before.
      await commands.executeCommand('vscode.openWith', uri, PREVIEW);
    } catch {
      // The editor's Markdown can be switched off.
      await window.showTextDocument(await workspace.openTextDocument(uri), { preview: false });
    }
  }

  dispose(): void {
    this.#registration.dispose();
    this.#texts.clear();
  }
}
