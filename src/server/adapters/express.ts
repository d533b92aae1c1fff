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
 * With or without `express.json()` in front of it, whose limit then counts too; with or without an authorization that
 * sets `request.auth`, as the SDK's `requireBearerAuth()` does.
 */
export function expressHandler(manager: {
  handle(request: Request, context?: RequestContext): Promise<Response>;
}): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return nodeListener(manager);
}
