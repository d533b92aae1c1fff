import type { Handshake } from '../../endpoint/handshake.ts';
import type { HttpRequest } from '../../endpoint/http.ts';
import type { RequestContext } from '../../endpoint/incoming.ts';
import type { Notification, Request as RpcRequest } from '../../protocol/message.ts';
import { type SettingsSnapshot, settingRequests } from '../../protocol/session-settings.ts';
import { ownRequest, sayTo } from './own-request.ts';
import type { Session } from './session.ts';

/**
 * Bringing a session back: this process says to a new server object what the client said to the old one.
 *
 * Why that is allowed. MCP 2025-11-25 (session management, 3) makes a server answer 404 once it has *terminated* a
 * session. A process that was killed has terminated nothing: it has forgotten. Here the client's own id proves what was
 * forgotten (session-id.ts), or a store remembers it, so the session goes on; one that was ended stays ended.
 *
 * Why by a handshake. The SDK's transport refuses everything until it has seen `initialize`, and its server knows a
 * client's capabilities from nowhere else: without them it refuses to send elicitation and sampling requests. Setting
 * the transport's private fields would get past the first and not past the second.
 */
export async function introduce(
  session: Session,
  { handshake, settings, request, context }: Introduction,
): Promise<void> {
  const say = (message: RpcRequest | Notification) => sayTo(session, message, request.url, context);
  await say(ownRequest('initialize', { ...handshake }));
  await say({ jsonrpc: '2.0', method: 'notifications/initialized' });
  for (const { method, params } of settings ? settingRequests(settings) : []) {
    // What a new build of the server no longer has is no reason to refuse the whole session.
    await say(ownRequest(method, params)).catch(() => {});
  }
}

export interface Introduction {
  readonly handshake: Handshake;
  /** What the client had set, if it had set anything. */
  readonly settings: SettingsSnapshot | undefined;
  /** The request that brought the id. */
  readonly request: HttpRequest;
  readonly context: RequestContext;
}
