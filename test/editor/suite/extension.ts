import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { until } from '../../../harness/until.ts';
import type { HubSnapshot, ServerSnapshot } from '../../../src/hub/snapshot.ts';
import type { ResilientMcpApi } from '../../../src/vscode/api.ts';

/** How long a server has to reach a state, in ms: more than the patience of a connection. */
const STATE_LIMIT_MS = 90_000;

/** The extension under test. */
export function extension(): vscode.Extension<ResilientMcpApi> {
  const found = vscode.extensions.getExtension<ResilientMcpApi>('resilient-mcp.resilient-mcp');
  assert.ok(found, 'the extension is not installed in this window');
  return found;
}

/** Writes `resilientMcp.servers` into the settings of the opened folder; undefined takes it out. */
export async function configure(servers: Readonly<Record<string, object>> | undefined): Promise<void> {
  const { Workspace } = vscode.ConfigurationTarget;
  await vscode.workspace.getConfiguration('resilientMcp').update('servers', servers, Workspace);
}

/** Waits until the extension says of a server what `holds` wants to hear; it may be so already. */
export async function serverBecomes(
  name: string,
  what: string,
  holds: (server: ServerSnapshot) => boolean,
): Promise<ServerSnapshot> {
  const api = extension().exports;
  const named = ({ servers }: HubSnapshot): ServerSnapshot | undefined =>
    servers.find((server) => server.name === name);
  const accepts = (snapshot: HubSnapshot): boolean => {
    const server = named(snapshot);
    return server !== undefined && holds(server);
  };
  const now = api.snapshot();
  const snapshot = accepts(now)
    ? now
    : await until<HubSnapshot>((listener) => api.onDidChange(listener), accepts, {
        timeoutMs: STATE_LIMIT_MS,
        what: `"${name}" ${what}`,
      });
  const server = named(snapshot);
  assert.ok(server);
  return server;
}

/** Waits until a server is ready on the session of this generation. */
export function serverReady(name: string, generation: number): Promise<ServerSnapshot> {
  return serverBecomes(
    name,
    `ready on generation ${generation}`,
    ({ connection }) => connection.status === 'ready' && connection.generation === generation,
  );
}

/** Calls the `echo` tool and returns the text of the answer. */
export async function echo(server: string, message: string): Promise<string> {
  const { content } = await extension().exports.callTool(server, 'echo', { message });
  return content.map((part) => (part.type === 'text' ? part.text : `[${part.type}]`)).join('');
}
