import type { Handshake } from '../../endpoint/handshake.ts';
import type { HttpRequest } from '../../endpoint/http.ts';
import type { RequestContext } from '../../endpoint/incoming.ts';
import type { Notification, Request as RpcRequest } from '../../protocol/message.ts';
import { type SettingsSnapshot, settingRequests } from '../../protocol/session-settings.ts';
import { ownRequest, sayTo } from './own-request.ts';
import type { Session } from './session.ts';

/**
 * Restores a session: replays to a new server object the client's handshake and settings.
 *
 * Why this is allowed: MCP 2025-11-25 (session management, 3) requires 404 after the server has *terminated*
 * a session. A killed process has terminated nothing; it has only lost its memory. The client's own id proves
 * the lost handshake (session-id.ts), or a store has it, so the session continues. A session that was ended
 * stays ended.
 *
 * Why by a handshake: the SDK's transport refuses every request before `initialize`, and its server learns
 * the client's capabilities only there. Without them it refuses to send elicitation and sampling requests.
 * Setting the transport's private fields would solve the first problem, not the second.
 */
export async function introduce(
  session: Session,
  { handshake, settings, request, context }: Introduction,
): Promise<void> {
  const say = (message: RpcRequest | Notification) => sayTo(session, message, request.url, context);
  await say(ownRequest('initialize', { ...handshake }));
  await say({ jsonrpc: '2.0', method: 'notifications/initialized' });
  for (const { method, params } of settings ? settingRequests(settings) : []) {
    // A setting that a new build of the server no longer supports is no reason to refuse the session.
    await say(ownRequest(method, params)).catch(() => {});
  }
}

export interface Introduction {
  readonly handshake: Handshake;
  /** The client's settings, if any. */
  readonly settings: SettingsSnapshot | undefined;
  /** The request that carried the id. */
  readonly request: HttpRequest;
  readonly context: RequestContext;
}
