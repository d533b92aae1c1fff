/**
 * Stands in for the module `vscode` where the edge runs outside an editor: as much of it as the edge uses. What the extension shows is kept in {@link editor}; what the user does is set there.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import type * as vscode from 'vscode';
import { Views } from './views.ts';

export { ThemeIcon, TreeItem, TreeItemCollapsibleState, ViewColumn } from './views.ts';

type Notification = {
  readonly severity: 'information' | 'warning' | 'error';
  readonly text: string;
  readonly buttons: readonly string[];
  /** Of a dialog that has to be answered: what it says below its text. */
  readonly detail?: string | undefined;
};

type DefinitionProvider = vscode.McpServerDefinitionProvider<vscode.McpStdioServerDefinition>;

/** Where all of them are, for as long as this process lives. */
const storages = mkdtempSync(join(tmpdir(), 'storages-'));
process.once('exit', () => rmSync(storages, { recursive: true, force: true }));
let storagesMade = 0;

/** What the editor keeps for one extension. A second one made with the same maps is a later life of it. */
export class Keeping {
  readonly secretTexts = new Map<string, string>();
  readonly state = new Map<string, unknown>();
  readonly userState = new Map<string, unknown>();
  /** When set, the editor can keep no secrets, and says this. */
  noSecrets: string | undefined;
  readonly #secretListeners = new Set<(event: { key: string }) => unknown>();

  readonly secrets = {
    get: async (key: string) => this.#secretsOrThrow().get(key),
    store: async (key: string, value: string) => {
      this.#secretsOrThrow().set(key, value);
      for (const listener of [...this.#secretListeners]) listener({ key });
    },
    delete: async (key: string) => {
      this.#secretsOrThrow().delete(key);
      for (const listener of [...this.#secretListeners]) listener({ key });
    },
    onDidChange: (listener: (event: { key: string }) => unknown) =>
      subscribe(this.#secretListeners, listener),
  } as unknown as vscode.SecretStorage;

  readonly workspaceState = {
    get: (key: string) => this.state.get(key),
    update: async (key: string, value: unknown) => void this.state.set(key, value),
  } as unknown as vscode.Memento;

  readonly globalState = {
    get: (key: string) => this.userState.get(key),
    update: async (key: string, value: unknown) => void this.userState.set(key, value),
  } as unknown as vscode.Memento;

  /** Where it keeps files. */
  readonly globalStorageUri = Uri.file(join(storages, String(++storagesMade)));

  /** Where it is installed. */
  readonly extensionUri = Uri.file('/extensions/resilient-mcp');

  #secretsOrThrow(): Map<string, string> {
    if (this.noSecrets !== undefined) throw new Error(this.noSecrets);
    return this.secretTexts;
  }
}

class EditorState {
  /** By the id in the manifest. */
  readonly definitionProviders = new Map<string, DefinitionProvider>();
  userValue: unknown;
  workspaceValue: unknown;
  clipboard = '';
  readonly clipboardListeners = new Set<(text: string) => void>();
  /** What the user's settings have as `resilientMcp.inputs`. */
  userInputs: unknown;
  workspaceInputs: unknown;
  /** The path of the folder that is open; undefined: none. */
  folder: string | undefined;
  isTrusted = true;
  /** Settings of the extension beside those above, by their last names. */
  readonly settings = new Map<string, unknown>();
  /** What is offered to agents, by the names in the manifest. */
  readonly tools = new Map<string, vscode.LanguageModelTool<unknown>>();
  /** What `setContext` was called with. */
  readonly contexts = new Map<string, unknown>();
  readonly notifications: Notification[] = [];
  /** The ids of the commands that were executed. */
  readonly executed: string[] = [];
  readonly #notifiedListeners = new Set<(notification: Notification) => void>();
  readonly #executedListeners = new Set<(id: string) => void>();
  readonly statusMessages: string[] = [];
  readonly picksOffered: string[][] = [];
  readonly logged: string[] = [];
  readonly views = new Views();
  readonly item: Partial<vscode.StatusBarItem> & { visible: boolean } = { visible: false };
  readonly commands = new Map<string, (...args: unknown[]) => unknown>();
  readonly configurationListeners = new Set<(event: vscode.ConfigurationChangeEvent) => unknown>();
  readonly trustListeners = new Set<() => unknown>();
  /** The button the user presses in a notification, asked for each; the default presses none. */
  press: (notification: Notification) => string | undefined = () => undefined;
  /** The label of the line the user picks; undefined: none. */
  pick: string | undefined;
  /** Labels that the user picks in any pick that comes. */
  picks: readonly string[] = [];
  /** The button of the row that the user presses, by its tooltip; undefined: the row itself. */
  pickButton: string | undefined;
  readonly inputBoxes: { readonly prompt: string; readonly password: boolean }[] = [];
  /** What the user types into an input box; undefined: Escape. */
  type: string | undefined;
  /** The path that the user saves to; undefined: Escape. */
  savesTo: string | undefined;
  /** The name of the file that was suggested for it. */
  readonly savesOffered: string[] = [];
  /** By the scheme of their addresses. */
  readonly contentProviders = new Map<string, vscode.TextDocumentContentProvider>();
  /** What was told of progress; the user cancels when {@link cancelsAt} is told. */
  readonly progress: string[] = [];
  cancelsAt: string | undefined;

  /** The setting was changed. */
  configure(userValue: unknown, workspaceValue?: unknown): void {
    this.userValue = userValue;
    this.workspaceValue = workspaceValue;
    for (const listener of this.configurationListeners) listener({ affectsConfiguration: () => true });
  }

  /** The extension writes a setting. */
  write(key: string, value: unknown, target: number): void {
    const isUser = target === ConfigurationTarget.Global;
    if (key === 'resilientMcp.servers') this[isUser ? 'userValue' : 'workspaceValue'] = value;
    else this[isUser ? 'userInputs' : 'workspaceInputs'] = value;
    for (const listener of this.configurationListeners) listener({ affectsConfiguration: () => true });
  }

  /** Another setting was changed. */
  configureAnother(): void {
    for (const listener of this.configurationListeners) listener({ affectsConfiguration: () => false });
  }

  execute(id: string): void {
    this.executed.push(id);
    for (const listener of [...this.#executedListeners]) listener(id);
  }

  notify(notification: Notification): void {
    this.notifications.push(notification);
    for (const listener of [...this.#notifiedListeners]) listener(notification);
  }

  onNotified(listener: (notification: Notification) => void): Disposable {
    return subscribe(this.#notifiedListeners, listener);
  }

  onExecuted(listener: (id: string) => void): Disposable {
    return subscribe(this.#executedListeners, listener);
  }

  grantTrust(): void {
    this.isTrusted = true;
    for (const listener of this.trustListeners) listener();
  }
}

/** The editor of the test that runs. */
export let editor = new EditorState();

export function newEditor(): EditorState {
  editor = new EditorState();
  return editor;
}

export class Disposable {
  static from(...parts: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const part of parts) part.dispose();
    });
  }

  readonly #dispose: () => unknown;

  constructor(dispose: () => unknown) {
    this.#dispose = dispose;
  }

  dispose(): void {
    this.#dispose();
  }
}

function subscribe<T>(listeners: Set<T>, listener: T): Disposable {
  listeners.add(listener);
  return new Disposable(() => listeners.delete(listener));
}

export class EventEmitter<T> {
  readonly #listeners = new Set<(value: T) => unknown>();

  readonly event = (listener: (value: T) => unknown): Disposable => subscribe(this.#listeners, listener);

  fire(value: T): void {
    for (const listener of [...this.#listeners]) listener(value);
  }

  dispose(): void {
    this.#listeners.clear();
  }
}

export class MarkdownString {
  isTrusted: boolean | { readonly enabledCommands: readonly string[] } | undefined;
  readonly value: string;
  readonly supportThemeIcons: boolean | undefined;

  constructor(value: string, supportThemeIcons?: boolean) {
    this.value = value;
    this.supportThemeIcons = supportThemeIcons;
  }
}

export class ThemeColor {
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }
}

export const ConfigurationTarget = { Global: 1, Workspace: 2 } as const;
export const FileType = { Directory: 2 } as const;
export const QuickPickItemKind = { Separator: -1 } as const;
/** What works on documents is tried in a real editor. */
export class Range {}
export class WorkspaceEdit {}

export const env = {
  language: 'en',
  remoteName: undefined,
  clipboard: {
    readText: async () => editor.clipboard,
    writeText: async (text: string) => {
      editor.clipboard = text;
      for (const listener of [...editor.clipboardListeners]) listener(text);
    },
  },
};

export const StatusBarAlignment = { Left: 1, Right: 2 } as const;
export const ProgressLocation = { Window: 10, Notification: 15 } as const;

export const l10n = {
  t: (message: string, ...args: (string | number)[]) =>
    message.replace(/\{(\d+)\}/g, (whole, index: string) => String(args[Number(index)] ?? whole)),
};

/** What a file has; as the editor says it, that there is none. */
function found<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw Object.assign(new Error('not found', { cause }), { code: 'FileNotFound' });
  }
}

async function notify(
  severity: Notification['severity'],
  text: string,
  buttons: string[],
  detail?: string,
): Promise<string | undefined> {
  const notification = { severity, text, buttons, ...(detail !== undefined && { detail }) };
  editor.notify(notification);
  return editor.press(notification);
}

/** A pick that is open until the user has chosen, which is at once. */
class QuickPickDouble {
  items: readonly vscode.QuickPickItem[] = [];
  activeItems: readonly vscode.QuickPickItem[] = [];
  selectedItems: readonly vscode.QuickPickItem[] = [];
  readonly #accepted = new EventEmitter<void>();
  readonly #hidden = new EventEmitter<void>();
  readonly #triggered = new EventEmitter<{ item: vscode.QuickPickItem; button: vscode.QuickInputButton }>();
  readonly onDidAccept = this.#accepted.event;
  readonly onDidHide = this.#hidden.event;
  readonly onDidTriggerItemButton = this.#triggered.event;

  show(): void {
    editor.picksOffered.push(this.items.map((item) => item.label));
    const item = this.items.find(({ label }) => label === editor.pick || editor.picks.includes(label));
    const button = item?.buttons?.find(({ tooltip }) => tooltip === editor.pickButton);
    this.selectedItems = item ? [item] : [];
    if (item && button) this.#triggered.fire({ item, button });
    else if (item) this.#accepted.fire();
    else this.hide();
  }

  hide(): void {
    this.#hidden.fire();
  }

  dispose(): void {
    this.items = [];
  }
}

export const window = {
  createOutputChannel: () => {
    const write = (line: string) => editor.logged.push(line);
    return {
      trace: write,
      debug: write,
      info: write,
      warn: write,
      error: write,
      show: () => write('shown'),
      dispose: () => {},
    };
  },
  createStatusBarItem: (id: string) =>
    Object.assign(editor.item, {
      id,
      show: () => {
        editor.item.visible = true;
      },
      hide: () => {
        editor.item.visible = false;
      },
      dispose: () => {
        editor.item.visible = false;
      },
    }),
  setStatusBarMessage: (text: string) => editor.statusMessages.push(text),
  showInformationMessage: (text: string, ...buttons: string[]) => notify('information', text, buttons),
  showWarningMessage: (text: string, ...[first, ...more]: [string | vscode.MessageOptions, ...string[]]) =>
    typeof first === 'object'
      ? notify('warning', text, more, first.detail)
      : notify('warning', text, first === undefined ? [] : [first, ...more]),
  showErrorMessage: (text: string, ...buttons: string[]) => notify('error', text, buttons),
  showQuickPick: async (
    items: readonly vscode.QuickPickItem[],
    { canPickMany = false }: vscode.QuickPickOptions = {},
  ) => {
    editor.picksOffered.push(items.map((item) => item.label));
    const picked = items.filter(({ label }) => label === editor.pick || editor.picks.includes(label));
    return canPickMany ? picked : picked[0];
  },
  showInputBox: async ({ prompt = '', password = false }: vscode.InputBoxOptions) => {
    editor.inputBoxes.push({ prompt, password });
    return editor.type;
  },
  createQuickPick: () => new QuickPickDouble(),
  createTreeView: (...made: Parameters<Views['createTreeView']>) => editor.views.createTreeView(...made),
  createWebviewPanel: () => editor.views.createWebviewPanel(),
  registerWebviewPanelSerializer: (...made: Parameters<Views['registerWebviewPanelSerializer']>) =>
    editor.views.registerWebviewPanelSerializer(...made),
  showSaveDialog: async ({ defaultUri }: vscode.SaveDialogOptions) => {
    if (defaultUri) editor.savesOffered.push(defaultUri.path);
    return editor.savesTo === undefined ? undefined : Uri.file(editor.savesTo);
  },
  withProgress: <T>(
    _options: vscode.ProgressOptions,
    task: (progress: vscode.Progress<{ message?: string }>, token: object) => T,
  ) => {
    const cancelled = new EventEmitter<void>();
    const report = ({ message = '' }: { message?: string }) => {
      editor.progress.push(message);
      if (message === editor.cancelsAt) cancelled.fire();
    };
    return task({ report }, { onCancellationRequested: cancelled.event });
  },
};

/** As the editor's own: its text is what was parsed, with the path decoded. */
export const Uri = {
  parse: (text: string) => ({ toString: () => decodeURI(text) }),
  from: ({ scheme, authority, path }: { scheme: string; authority: string; path: string }) => ({
    scheme,
    authority,
    path,
  }),
  file: (path: string) => ({ scheme: 'file', path, fsPath: path, toString: () => `file://${path}` }),
  joinPath: ({ path }: { path: string }, ...parts: string[]) => Uri.file(posix.join(path, ...parts)),
};

export class McpStdioServerDefinition {
  readonly label: string;
  readonly command: string;
  readonly args: string[];
  readonly env: Record<string, string | number | null>;
  readonly version: string | undefined;
  cwd: vscode.Uri | undefined;

  constructor(
    label: string,
    command: string,
    args: string[] = [],
    env: Record<string, string | number | null> = {},
    version?: string,
  ) {
    this.label = label;
    this.command = command;
    this.args = args;
    this.env = env;
    this.version = version;
  }
}

export class LanguageModelTextPart {
  readonly value: string;

  constructor(value: string) {
    this.value = value;
  }
}

export class LanguageModelToolResult {
  readonly content: readonly LanguageModelTextPart[];

  constructor(content: readonly LanguageModelTextPart[]) {
    this.content = content;
  }
}

export const lm = {
  registerTool: (name: string, tool: vscode.LanguageModelTool<unknown>) => {
    editor.tools.set(name, tool);
    return new Disposable(() => editor.tools.delete(name));
  },
  registerMcpServerDefinitionProvider: (id: string, provider: DefinitionProvider) => {
    editor.definitionProviders.set(id, provider);
    return new Disposable(() => editor.definitionProviders.delete(id));
  },
};

export const commands = {
  registerCommand: (id: string, handler: (...args: unknown[]) => unknown) => {
    editor.commands.set(id, handler);
    return new Disposable(() => editor.commands.delete(id));
  },
  executeCommand: async (id: string, ...args: unknown[]) => {
    if (id === 'setContext') editor.contexts.set(String(args[0]), args[1]);
    editor.execute(id);
    return editor.commands.get(id)?.(...args);
  },
};

export const workspace = {
  get isTrusted() {
    return editor.isTrusted;
  },
  getConfiguration: () => ({
    get: (key: string, otherwise: unknown) => editor.settings.get(key) ?? otherwise,
    inspect: (key: string) =>
      key === 'resilientMcp.servers'
        ? { globalValue: editor.userValue, workspaceValue: editor.workspaceValue }
        : { globalValue: editor.userInputs, workspaceValue: editor.workspaceInputs },
    update: async (key: string, value: unknown, target: number) => editor.write(key, value, target),
  }),
  onDidChangeConfiguration: (listener: (event: vscode.ConfigurationChangeEvent) => unknown) =>
    subscribe(editor.configurationListeners, listener),
  get workspaceFolders() {
    const { folder } = editor;
    return folder === undefined
      ? undefined
      : [{ name: posix.basename(folder), index: 0, uri: Uri.file(folder) }];
  },
  workspaceFile: undefined,
  registerTextDocumentContentProvider: (scheme: string, provider: vscode.TextDocumentContentProvider) => {
    editor.contentProviders.set(scheme, provider);
    return new Disposable(() => editor.contentProviders.delete(scheme));
  },
  textDocuments: [],
  asRelativePath: ({ path }: vscode.Uri) => posix.relative(editor.folder ?? '/', path),
  fs: {
    stat: async ({ path }: vscode.Uri) => found(() => ({ size: statSync(path).size })),
    readFile: async ({ path }: vscode.Uri) => found(() => readFileSync(path)),
    writeFile: async ({ path }: vscode.Uri, bytes: Uint8Array) => writeFileSync(path, bytes),
    readDirectory: async ({ path }: vscode.Uri) =>
      found(() =>
        readdirSync(path, { withFileTypes: true }).map((entry): [string, number] => [
          entry.name,
          entry.isDirectory() ? FileType.Directory : 1,
        ]),
      ),
  },
  onDidChangeWorkspaceFolders: () => new Disposable(() => {}),
  onDidGrantWorkspaceTrust: (listener: () => unknown) => subscribe(editor.trustListeners, listener),
};
