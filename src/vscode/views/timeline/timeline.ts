import { type Disposable, type Uri, ViewColumn, type WebviewPanel, window } from 'vscode';
import type { FactHistory } from '../../../hub/facts.ts';
import { timelineFocus } from './timeline-focus.ts';
import type { TimelinePanel } from './timeline-panel.ts';

/** The type of the panel, as in the manifest. */
const PANEL = 'resilientMcp.timeline';

export interface TimelineParts {
  readonly history: FactHistory;
  /** The folder of the extension. */
  readonly extensionUri: Uri;
}

/**
 * "MCP: Show Session Timeline": one panel for all servers. Its code is loaded when it is first asked for; after a
 * reload of the window the editor asks for the panel that was open.
 */
export class Timeline {
  readonly #parts: TimelineParts;
  readonly #serializer: Disposable;
  #panel: Promise<TimelinePanel> | undefined;

  constructor(parts: TimelineParts) {
    this.#parts = parts;
    this.#serializer = window.registerWebviewPanelSerializer(PANEL, {
      deserializeWebviewPanel: async (panel) => {
        await this.#adopt(panel);
      },
    });
  }

  /** @param argument see {@link timelineFocus}. */
  async show(argument: unknown): Promise<void> {
    const opened = this.#panel ?? this.#adopt(window.createWebviewPanel(PANEL, '', ViewColumn.Active));
    (await opened).show(timelineFocus(argument));
  }

  dispose(): void {
    this.#serializer.dispose();
    void this.#panel?.then((panel) => panel.dispose());
  }

  #adopt(panel: WebviewPanel): Promise<TimelinePanel> {
    const adopted = this.#load(panel);
    this.#panel = adopted;
    panel.onDidDispose(() => {
      if (this.#panel === adopted) this.#panel = undefined;
    });
    return adopted;
  }

  async #load(panel: WebviewPanel): Promise<TimelinePanel> {
    // A separate bundle (esbuild.mjs), not loaded at the start of the editor.
    const { TimelinePanel: Panel } = await import('./timeline-panel.ts');
    return new Panel(panel, this.#parts);
  }
}
