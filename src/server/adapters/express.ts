import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestContext } from '../../endpoint/incoming.ts';
import { nodeListener } from './node-http.ts';

/**
 * A handler for Express, and for Connect:
 *
 * ```ts
 * express().all('/mcp', expressHandler(manager));
 * ```
 *
 * Works with or without `express.json()` before it, whose size limit then applies too. Uses
 * `request.auth` when an authorization such as the SDK's `requireBearerAuth()` sets it.
 */
export function expressHandler(manager: {
  handle(request: Request, context?: RequestContext): Promise<Response>;
}): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return nodeListener(manager);
}
