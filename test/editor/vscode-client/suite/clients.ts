import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../../../examples/demo/until.ts';
import type { FleetSnapshot } from '../../../../src/fleet/snapshot.ts';
import { type Caller, callerOf } from '../../../editor-host/calls.ts';
import { WINDOW_VARIABLE, type WindowCalls } from '../../../editor-host/window-calls.ts';
import { invokeTool, startServers, toolName } from '../../suite/built-in-client.ts';
import { extension } from '../../suite/extension.ts';
import { type ClientId, PATIENCE_MS, type RowId, rows } from '../rows.ts';
import { when } from './attempt.ts';

/** How long the extension has to connect to all servers, in ms. */
const START_LIMIT_MS = 90_000;

/** One of the two sides of the comparison. */
export interface MeasuredClient {
  readonly id: ClientId;
  /** Connects to all servers. */
  start(): Promise<void>;
  /** Calls the tool `count` and gives the text that the caller gets. */
  call(server: RowId, key: string): Promise<string>;
  /** What a person can see of a server that is gone, in words. */
  showsOfGone(server: RowId): Promise<string>;
}

/** The status bar item of this extension, as the page names it. */
const ITEM = 'resilient-mcp.resilient-mcp.resilientMcp.sessions';

/** The window around this extension host. */
const window: Caller<WindowCalls> = (name, ask) => {
  const address = process.env[WINDOW_VARIABLE];
  if (address === undefined) throw new Error('there is no window to look at');
  return callerOf<WindowCalls>(address)(name, ask);
};

const toolOf = (server: RowId): string => toolName(server, 'count');

/** The MCP client that is part of VS Code. Its servers are those of `.vscode/mcp.json`. */
export const builtIn: MeasuredClient = {
  id: 'vscode',

  start: () => startServers(rows.map(({ id }) => toolOf(id))),

  call: (server, key) => invokeTool(toolOf(server), { key }),

  // The state of a server is in no API: it is read where a person reads it.
  async showsOfGone(server) {
    await delay(PATIENCE_MS);
    await window('searchPalette', { text: 'MCP: List Servers' });
    await window('press', { key: 'Enter' });
    const names = await window('pickerRows', { matching: `^${server}` });
    await window('press', { key: 'Escape' });
    await window('pickerClosed', null);
    const row = names.find((name) => name.startsWith(server)) ?? '';
    const state = /Running|Stopped|Starting|Error.*/.exec(row)?.[0];
    if (state === undefined) throw new Error(`no state in "${row}"`);
    return `"MCP: List Servers" says ${state} after ${PATIENCE_MS / 1000} s`;
  },
};

/** This extension, by its public API. Its servers are those of `resilientMcp.servers`. */
export const ours: MeasuredClient = {
  id: 'extension',

  async start() {
    const api = await extension().activate();
    const allReady = ({ servers }: FleetSnapshot): boolean =>
      servers.length === rows.length && servers.every(({ connection }) => connection.status === 'ready');
    await becomes(api.snapshot(), allReady, START_LIMIT_MS);
  },

  async call(server, key) {
    const { content } = await extension().exports.callTool(server, 'count', { key });
    return content.map((part) => (part.type === 'text' ? part.text : `[${part.type}]`)).join('');
  },

  async showsOfGone(server) {
    const startedAt = performance.now();
    const statusOf = ({ servers }: FleetSnapshot) =>
      servers.find(({ name }) => name === server)?.connection.status ?? 'ready';
    const isTold = (snapshot: FleetSnapshot): boolean => statusOf(snapshot) !== 'ready';
    const now = extension().exports.snapshot();
    const told = await becomes(now, isTold, PATIENCE_MS).catch(() => now);
    const noticed = when(performance.now() - startedAt);
    const { label } = await window('statusBarItem', { id: ITEM, label: `${server}: ` });
    return `the API says ${statusOf(told)} ${noticed}, the status bar "${label}"`;
  },
};

async function becomes(
  now: FleetSnapshot,
  holds: (snapshot: FleetSnapshot) => boolean,
  timeoutMs: number,
): Promise<FleetSnapshot> {
  if (holds(now)) return now;
  return until<FleetSnapshot>((listener) => extension().exports.onDidChange(listener), holds, { timeoutMs });
}
