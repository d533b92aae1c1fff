import type { FromPage, ToPage } from './messages.ts';
import { TimelinePage } from './page.ts';
import type { ViewState } from './view-state.ts';

/** What the editor gives a page in a webview. */
declare function acquireVsCodeApi(): {
  postMessage(message: FromPage): void;
  getState(): unknown;
  setState(state: ViewState): void;
};

const editor = acquireVsCodeApi();
const root = document.getElementById('timeline');
let page: TimelinePage | undefined;

function receive(message: ToPage): void {
  switch (message.type) {
    case 'show':
      if (root)
        page = new TimelinePage(root, message, {
          kept: editor.getState(),
          keep: (state) => editor.setState(state),
        });
      return;
    case 'add':
      page?.add(message);
      return;
    case 'focus':
      page?.focus(message);
      return;
  }
}

// Only the editor can send to this frame: its parent frame has an origin that no other page shares.
addEventListener('message', ({ data }: MessageEvent<ToPage>) => receive(data));
editor.postMessage({ type: 'ready' });
