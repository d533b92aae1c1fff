import type { RequestContext } from '../../endpoint/incoming.ts';
import { listener, type NodeListener } from '../../endpoint/node/listener.ts';
import { answerOf, platformRequest } from '../../endpoint/web.ts';
import { SessionManager } from '../session-manager.ts';

interface Handler {
  handle(request: Request, context?: RequestContext): Promise<Response>;
}

/**
 * A listener for `node:http`, and for everything that takes one (Express, Connect, `node:https`):
 *
 * ```ts
 * createServer(nodeListener(manager)).listen(3000, '127.0.0.1');
 * express().use('/mcp', nodeListener(manager));
 * ```
 *
 * Uses `request.body` and `request.auth` when a middleware has set them. Its promise resolves when the answer has
 * been sent or its client is gone, and never rejects.
 */
export function nodeListener(manager: Handler): NodeListener {
  if (manager instanceof SessionManager) return listener(manager.answer);
  return listener(async (request, context) => {
    const sent: (() => void)[] = [];
    // `readBody` reads the body faster than a stream does, so the `Request` has none.
    const readBody = isBodyless(request.method, context) ? undefined : (max: number) => request.body(max);
    const onSent = (done: () => void) => void sent.push(done);
    const response = await manager.handle(platformRequest(request), { ...context, readBody, onSent });
    const tellAll = () => {
      for (const done of sent) done();
    };
    return { ...answerOf(response), onSent: tellAll };
  });
}

function isBodyless(method: string, { parsedBody }: RequestContext): boolean {
  return parsedBody !== undefined || method === 'GET' || method === 'HEAD' || method === 'DELETE';
}
