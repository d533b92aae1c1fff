import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { Subscription } from '../client/observe/journal.ts';
import type { Hub, ResetOutcome } from '../hub/hub.ts';
import type { CallOptions } from '../hub/own-client.ts';
import type { HubSnapshot } from '../hub/snapshot.ts';

/**
 * What `activate()` returns, for other extensions:
 *
 *     const api = await vscode.extensions.getExtension('resilient-mcp.resilient-mcp')?.activate();
 *     if (api?.version === 1) await api.resetSession('github');
 *
 * All data is plain: safe to keep, compare and serialise. Within a version, members are only ever added.
 */
export interface ResilientMcpApi {
  readonly version: 1;
  /** Every configured server as it is now. */
  snapshot(): HubSnapshot;
  /** Calls `listener` after changes, at most once per turn of the event loop. */
  onDidChange(listener: (snapshot: HubSnapshot) => void): Subscription;
  /**
   * Gives one server, or every server, a new session, without a word to the user. Failures are outcomes. Rejects with
   * an error of code `INVALID_CONFIGURATION` for a name that is not configured.
   */
  resetSession(server?: string): Promise<readonly ResetOutcome[]>;
  /**
   * Calls a tool over the healing connection and gives the server's answer as it came. Rejects with an error of code
   * `OUTCOME_UNKNOWN` when the call may or may not have run, `SERVER_UNAVAILABLE` when no session could be had in time,
   * `INVALID_CONFIGURATION` for a name that is not configured, or with the code of the server's own JSON-RPC error.
   */
  callTool(
    server: string,
    tool: string,
    args?: Record<string, unknown>,
    options?: CallOptions,
  ): Promise<CallToolResult>;
}

/** The API over a hub. Nothing of the hub itself is reachable through it. */
export function createApi(hub: Hub): ResilientMcpApi {
  return Object.freeze<ResilientMcpApi>({
    version: 1,
    snapshot: () => hub.snapshot(),
    onDidChange: (listener) => hub.onDidChange(listener),
    resetSession: (server) => hub.reset(server),
    callTool: (server, tool, args, options) => hub.callTool(server, tool, args, options),
  });
}
