import type { ExtensionContext } from 'vscode';
import { until } from '../../../harness/until.ts';
import type { HubSnapshot, ServerSnapshot } from '../../../src/hub/snapshot.ts';
import type { ResilientMcpApi } from '../../../src/vscode/api.ts';
import { ScriptedServer } from '../../support/scripted-server.ts';
import { extension } from './load.ts';
import { type editor as Editor, Keeping, newEditor } from './vscode.ts';

/** The window of the running test, with the extension in it once that is active. */
export interface Windows {
  readonly editor: typeof Editor;
  /** What the editor keeps from window to window. Each test begins with nothing kept. */
  keeping: Keeping;
  activate(configured?: object): Promise<ResilientMcpApi>;
  /** The window is closed, and another is opened, in which only what the editor keeps is as it was. */
  reload(): Promise<void>;
  /** What is disposed of with the window. */
  readonly subscriptions: { dispose(): unknown }[];
  /** The servers of the test. */
  readonly servers: readonly ScriptedServer[];
  /** Another server, which is closed after the test. */
  aServer(): Promise<ScriptedServer>;
}

/** A new window for each test of the suite that calls this, closed after it. */
export function windows(): Windows {
  let editor: typeof Editor;
  const subscriptions: { dispose(): unknown }[] = [];
  const servers: ScriptedServer[] = [];
  const open = () => {
    editor = newEditor();
  };
  const close = async () => {
    await extension.deactivate();
    for (const subscription of subscriptions.splice(0).reverse()) subscription.dispose();
  };
  const opened: Windows = {
    get editor() {
      return editor;
    },
    keeping: new Keeping(),
    activate(configured) {
      if (configured !== undefined) editor.userValue = configured;
      const { secrets, workspaceState, globalState, extensionUri, globalStorageUri } = opened.keeping;
      const kept = { secrets, workspaceState, globalState, extensionUri, globalStorageUri };
      const context = { subscriptions, extension: { packageJSON: { version: '1.2.3' } }, ...kept };
      return extension.activate(context as unknown as ExtensionContext);
    },
    async reload() {
      await close();
      open();
    },
    subscriptions,
    servers,
    async aServer() {
      const server = await ScriptedServer.start();
      servers.push(server);
      return server;
    },
  };
  beforeEach(() => {
    opened.keeping = new Keeping();
    open();
  });
  afterEach(async () => {
    await close();
    for (const server of servers.splice(0)) await server.close();
  });
  return opened;
}

/** Waits until the servers that the extension shows are like this, if they are not now. */
export async function reaches(
  api: ResilientMcpApi,
  areLike: (servers: readonly ServerSnapshot[]) => boolean,
): Promise<void> {
  if (areLike(api.snapshot().servers)) return;
  await until<HubSnapshot>(
    (listener) => api.onDidChange(listener),
    ({ servers }) => areLike(servers),
    { what: 'that of the servers' },
  );
}
