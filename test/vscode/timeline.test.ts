import assert from 'node:assert/strict';
import { until } from '../../harness/until.ts';
import type { HubFact } from '../../src/hub/facts.ts';
import { FactHistory } from '../../src/hub/facts.ts';
import type { ToPage } from '../../src/webview/timeline/messages.ts';
import './editor-double/load.ts';
import type { PanelDouble } from './editor-double/views.ts';
import { type editor as Editor, newEditor, Uri } from './editor-double/vscode.ts';
import { EXAMPLES } from './facts.ts';

const { Timeline } = await import('../../src/vscode/views/timeline/timeline.ts');

describe('"MCP: Show Session Timeline"', () => {
  let editor: typeof Editor;
  let tell: (fact: HubFact['fact']) => void;
  let history: FactHistory;
  let timeline: InstanceType<typeof Timeline>;

  beforeEach(() => {
    editor = newEditor();
    const listeners = new Set<(fact: HubFact) => void>();
    tell = (fact) => {
      for (const listener of listeners) listener({ server: 'a', at: Date.now(), fact });
    };
    history = new FactHistory({
      onFact: (listener) => {
        listeners.add(listener);
        return { dispose: () => listeners.delete(listener) };
      },
    });
    const extensionUri = Uri.file('/ext') as never;
    timeline = new Timeline({ history, extensionUri });
  });

  afterEach(() => {
    timeline.dispose();
    history.dispose();
  });

  const panel = (): PanelDouble => editor.views.panels[0] ?? assert.fail('no panel was made');
  const posted = () => panel().posted as ToPage[];

  async function opened(argument?: unknown): Promise<PanelDouble> {
    await timeline.show(argument);
    panel().send({ type: 'ready' });
    return panel();
  }

  function nextPosted(type: ToPage['type']): Promise<unknown> {
    return until<unknown>(
      (listener) => panel().onDidPost(listener),
      (message) => (message as ToPage).type === type,
    );
  }

  it('opens one panel, which may read nothing but the page', async () => {
    await timeline.show(undefined);
    await timeline.show(undefined);
    assert.equal(editor.views.panels.length, 1);
    assert.equal(panel().revealed, 2);
    assert.equal(panel().title, 'MCP Session Timeline');
    const { localResourceRoots, ...options } = panel().webview.options as Record<string, unknown>;
    assert.deepEqual(options, { enableScripts: true });
    assert.deepEqual(String(localResourceRoots), 'file:///ext/dist/webview');
    assert.match(panel().webview.html, /nonce="[\w-]{36}" src="file:\/\/\/ext\/dist\/webview\/timeline\.js"/);
  });

  it('gives the page all there is once the page is ready, and nothing before', async () => {
    tell(EXAMPLES.sessionOpened);
    await timeline.show(undefined);
    tell(EXAMPLES.requestAnswered);
    assert.deepEqual(posted(), []);
    panel().send({ type: 'ready' });
    const [message] = posted();
    assert.equal(message?.type, 'show');
    assert.deepEqual(message?.type === 'show' && message.marks.map(({ seq }) => seq), [1, 2]);
  });

  it('sends facts that come later, together', async () => {
    await opened();
    const added = nextPosted('add');
    tell(EXAMPLES.sessionOpened);
    tell(EXAMPLES.requestAnswered);
    const message = (await added) as Extract<ToPage, { type: 'add' }>;
    assert.deepEqual(
      message.marks.map(({ seq }) => seq),
      [1, 2],
    );
  });

  it('sends many facts at once without waiting', async () => {
    await opened();
    for (let n = 0; n < 500; n++) tell(EXAMPLES.requestAnswered);
    const last = posted().at(-1);
    assert.equal(last?.type === 'add' && last.marks.length, 500);
  });

  it('sends nothing to a page that is hidden, and all of it when the page is there again', async () => {
    await opened();
    panel().show(false);
    // So many that they would be sent at once, if there were a page.
    for (let n = 0; n < 500; n++) tell(EXAMPLES.requestAnswered);
    assert.equal(posted().length, 1);
    panel().show(true);
    panel().send({ type: 'ready' });
    const last = posted().at(-1);
    assert.equal(last?.type === 'show' && last.marks.length, 500);
  });

  it('shows the server or the fact that it was asked for, at once or as soon as there is a page', async () => {
    tell(EXAMPLES.sessionOpened);
    await opened({ server: 'a', seq: 1 });
    assert.deepEqual(posted().at(-1), { type: 'focus', server: 'a', seq: 1 });
    await timeline.show('a');
    assert.deepEqual(posted().at(-1), { type: 'focus', server: 'a' });
    await timeline.show(undefined);
    assert.equal(posted().length, 3);
  });

  it('tells what it is to focus after the facts that it may be about', async () => {
    await opened();
    tell(EXAMPLES.sessionOpened);
    await timeline.show({ server: 'a', seq: 1 });
    assert.deepEqual(
      posted().map(({ type }) => type),
      ['show', 'add', 'focus'],
    );
  });

  it('takes the panel over that the editor restores after a reload of the window', async () => {
    const restored = editor.views.createWebviewPanel();
    const serializer = editor.views.serializers.get('resilientMcp.timeline');
    await serializer?.deserializeWebviewPanel(restored as never, undefined);
    restored.send({ type: 'ready' });
    assert.equal(posted()[0]?.type, 'show');
    await timeline.show(undefined);
    assert.equal(editor.views.panels.length, 1);
  });

  it('opens another panel after the first was closed, which is told nothing more', async () => {
    const first = await opened();
    first.dispose();
    await timeline.show(undefined);
    assert.equal(editor.views.panels.length, 2);
    tell(EXAMPLES.sessionOpened);
    first.send({ type: 'ready' });
    assert.equal(first.posted.length, 1);
  });
});
