import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import type { RequestContext } from '../../endpoint/incoming.ts';

/** The part of Hono's context that is used. Hono itself is not imported; the caller has it. */
interface HonoContext {
  readonly req: { readonly raw: Request };
  readonly var?: object;
}

/**
 * A handler for Hono, and for what else hands over a `Request` in `c.req.raw`:
 *
 * ```ts
 * new Hono().all('/mcp', honoHandler(manager));
 * ```
 *
 * Uses `auth` when a middleware has set it (`c.set('auth', authInfo)`). The client's address is not known here,
 * so `unknownSession: 'replace'` relies on the Host header alone.
 */
export function honoHandler(manager: {
  handle(request: Request, context?: RequestContext): Promise<Response>;
}): (context: HonoContext) => Promise<Response> {
  return (context) => {
    const { auth } = (context.var ?? {}) as { readonly auth?: AuthInfo };
    return manager.handle(context.req.raw, auth ? { authInfo: auth } : {});
  };
}
