import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { Subscription } from '../client/observe/journal.ts';
import type { Fleet, ResetOutcome } from '../hub/fleet.ts';
import type { FleetSnapshot } from '../hub/snapshot.ts';
import type { CallOptions } from '../hub/upstream.ts';

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
  snapshot(): FleetSnapshot;
  /** Calls `listener` after changes, at most once per turn of the event loop. */
  onDidChange(listener: (snapshot: FleetSnapshot) => void): Subscription;
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

/** The API over a fleet. Nothing of the fleet itself is reachable through it. */
export function createApi(fleet: Fleet): ResilientMcpApi {
  return Object.freeze<ResilientMcpApi>({
    version: 1,
    snapshot: () => fleet.snapshot(),
    onDidChange: (listener) => fleet.onDidChange(listener),
    resetSession: (server) => fleet.reset(server),
    callTool: (server, tool, args, options) => fleet.callTool(server, tool, args, options),
  });
}
