import { setTimeout as delay } from 'node:timers/promises';
import * as vscode from 'vscode';
import { until } from '../../../../harness/until.ts';
import { type HubSnapshot, worstConnection } from '../../../../src/hub/snapshot.ts';
import { type Caller, callerOf } from '../../../editor-host/calls.ts';
import { WINDOW_VARIABLE, type WindowCalls } from '../../../editor-host/window-calls.ts';
import { invokeTool, startServers, toolName } from '../../suite/built-in-client.ts';
import { extension } from '../../suite/extension.ts';
import type { Fact } from '../measure-calls.ts';
import { resourceUri } from '../resource-uri.ts';
import { type ClientId, nameOf, PATIENCE_MS, type RowId, type ServerKey } from '../rows.ts';
import { Attempt, when } from './attempt.ts';

/** The status bar item of this extension, as the page names it. */
const ITEM = 'resilient-mcp.resilient-mcp.resilientMcp.sessions';

/** The window around this extension host. */
const window: Caller<WindowCalls> = (name, ask) => {
  const address = process.env[WINDOW_VARIABLE];
  if (address === undefined) throw new Error('there is no window to look at');
  return callerOf<WindowCalls>(address)(name, ask);
};

/** How the editor names one server in its parts. */
interface EditorNames {
  /** In "MCP: List Servers", and in the commands of prompts. */
  readonly label: string;
  /** Where its resources are. */
  readonly id: string;
}

/** The MCP client that is part of VS Code, by one of the ways to a server. */
export class MeasuredClient {
  readonly id: ClientId;

  constructor(id: ClientId) {
    this.id = id;
  }

  /** Calls the tool `count`. */
  call(row: RowId, key: string): Attempt {
    const answer = invokeTool(toolName(nameOf(this.#key(row)), 'count'), { key });
    return new Attempt({ kind: 'call', key }, answer, `ran ${key}`);
  }

  /** Reads a resource, as the editor does when it is opened. */
  read(row: RowId, key: string): Attempt {
    const { hostname } = new URL(resourceUri(key));
    const authority = Buffer.from(this.#names(row).id).toString('hex');
    const uri = vscode.Uri.from({ scheme: 'mcp-resource', authority, path: `/test/${hostname}` });
    const text = async () => Buffer.from(await vscode.workspace.fs.readFile(uri)).toString();
    return new Attempt({ kind: 'resource', key }, text(), `text of ${resourceUri(key)}`);
  }

  /** Types the command of the prompt `greet` into the chat. */
  async typePrompt(row: RowId): Promise<void> {
    await vscode.commands.executeCommand('notifications.clearAll');
    await vscode.commands.executeCommand('workbench.action.chat.open');
    await window('typeInChat', { text: `/mcp.${this.#names(row).label}.greet` });
  }

  /** Takes the prompt that was typed; the editor puts its text in the place of the command. */
  take(_row: RowId, key: string): Attempt {
    return new Attempt({ kind: 'prompt', key }, window('takePrompt', null), 'text of greet');
  }

  /** What a person can see of a server that does not answer. */
  async showsOfGone(row: RowId): Promise<Fact> {
    return { words: this.id === 'direct' ? await this.#listed(row) : await noticed(this.#key(row)) };
  }

  /** The state of a server is in no API: it is read where a person reads it. */
  async #listed(row: RowId): Promise<string> {
    const { label } = this.#names(row);
    await delay(PATIENCE_MS);
    await window('searchPalette', { text: 'MCP: List Servers' });
    await window('press', { key: 'Enter' });
    const lines = await window('pickerRows', { matching: `^${label}` });
    await window('press', { key: 'Escape' });
    await window('pickerClosed', null);
    const line = lines.find((name) => name.startsWith(label)) ?? '';
    const state = /Running|Stopped|Starting|Error.*/.exec(line)?.[0];
    if (state === undefined) throw new Error(`no state in "${line}"`);
    return `"MCP: List Servers" says ${state} after ${PATIENCE_MS / 1000} s`;
  }

  #names(row: RowId): EditorNames {
    const name = nameOf(this.#key(row));
    if (this.id === 'direct') return { label: name, id: `mcp.config.ws0.${name}` };
    return { label: `${name}-resilient`, id: `resilient-mcp.resilient-mcp/${name}-resilient` };
  }

  #key(row: RowId): ServerKey {
    return { row, client: this.id };
  }
}

/** Waits until the extension shows that a server is in trouble. */
async function noticed(key: ServerKey): Promise<string> {
  const name = nameOf(key);
  const startedAt = performance.now();
  const api = extension().exports;
  const isTold = ({ servers }: HubSnapshot): boolean =>
    servers.some((server) => server.name === name && worstConnection(server)?.status !== 'ready');
  if (!isTold(api.snapshot())) {
    await until<HubSnapshot>((listener) => api.onDidChange(listener), isTold, {
      timeoutMs: 4 * PATIENCE_MS,
    });
  }
  const ms = performance.now() - startedAt;
  const { label } = await window('statusBarItem', { id: ITEM, label: `${name}: ` });
  return `the status bar says "${label}" ${when(ms)}`;
}

/** Waits until the editor has the tools of these servers. */
export async function startAll(keys: readonly ServerKey[]): Promise<void> {
  await startServers(keys.map((key) => toolName(nameOf(key), 'count')));
}
