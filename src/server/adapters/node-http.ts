import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import { refuse, rpcCode } from '../answers.ts';
import type { RequestContext } from '../incoming.ts';

/** What a middleware may have left on a request: Express's `express.json()`, the SDK's `requireBearerAuth()`. */
type WithMiddleware = IncomingMessage & { readonly body?: unknown; readonly auth?: AuthInfo };

/**
 * A listener for `node:http`, and for everything that takes one (Express, Connect, `node:https`):
 *
 * ```ts
 * createServer(nodeListener(manager)).listen(3000, '127.0.0.1');
 * express().use('/mcp', nodeListener(manager));
 * ```
 *
 * It takes over what a middleware has put into `request.body` and `request.auth`. Its promise resolves when the answer
 * has been sent or its client is gone, and never rejects.
 */
export function nodeListener(manager: {
  handle(request: Request, context?: RequestContext): Promise<Response>;
}): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (incoming: WithMiddleware, outgoing) => {
    const gone = new AbortController();
    outgoing.once('close', () => {
      // Not after a whole answer, and with a reason at hand: making one takes longer than all else that is done here.
      if (!outgoing.writableFinished) gone.abort(clientIsGone);
    });
    const request = toRequest(incoming, gone.signal);
    if (!request) return send(refuse(notAnAddress), outgoing, gone.signal);
    const answer = await manager.handle(request, {
      authInfo: incoming.auth,
      parsedBody: incoming.body,
      readBody: isBodyless(incoming) ? undefined : (maxBytes) => readBody(incoming, maxBytes),
      remoteAddress: incoming.socket.remoteAddress,
    });
    await send(answer, outgoing, gone.signal);
  };
}

const clientIsGone = new Error('The client is gone.');

const notAnAddress = {
  status: 400,
  code: rpcCode.refused,
  message: 'Bad Request: the address cannot be read.',
};

/** Undefined when Host and path make no URL, which only a client that is not one of HTTP sends. */
function toRequest(incoming: WithMiddleware, signal: AbortSignal): Request | undefined {
  const address = `http://${incoming.headers.host ?? 'localhost'}${incoming.url ?? '/'}`;
  if (!incoming.url?.startsWith('/') || !URL.canParse(address)) return undefined;
  return new Request(address, { method: incoming.method ?? 'GET', headers: toHeaders(incoming), signal });
}

function isBodyless({ method, body }: WithMiddleware): boolean {
  return body !== undefined || method === 'GET' || method === 'HEAD';
}

/** A web stream over the request would take more time than all else that a small request costs. */
function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const brokeOff = () => reject(new Error('The body broke off.'));
    // It may have happened before anybody asked, and would not be said again.
    if (incoming.destroyed) return brokeOff();
    const chunks: Uint8Array[] = [];
    let length = 0;
    const take = (chunk: Uint8Array) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length <= maxBytes) return;
      // Not destroyed: node:http would drop the answer with it.
      incoming.off('data', take).pause();
      resolve(undefined);
    };
    incoming.on('data', take);
    incoming.once('end', () => resolve(Buffer.concat(chunks)));
    incoming.once('error', brokeOff);
    incoming.once('close', brokeOff);
  });
}

function toHeaders({ headersDistinct }: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  return headers;
}

async function send(answer: Response, outgoing: ServerResponse, gone: AbortSignal): Promise<void> {
  outgoing.writeHead(answer.status, [...answer.headers].flat());
  const reader = answer.body?.getReader();
  if (!reader) {
    outgoing.end();
    return;
  }
  // Cancelling is what frees the server's end of a stream whose client has gone away.
  const cancel = () => void reader.cancel(gone.reason).catch(() => {});
  gone.addEventListener('abort', cancel, { once: true });
  if (gone.aborted) cancel();
  // The headers of an event stream are its first news: they may not wait for its first event.
  outgoing.flushHeaders();
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      if (!outgoing.write(chunk.value)) await drained(outgoing, gone);
    }
    outgoing.end();
  } catch {
    // The status has been sent: breaking the connection off is the only way left to say that the rest is missing.
    outgoing.destroy();
  } finally {
    gone.removeEventListener('abort', cancel);
  }
}

function drained(outgoing: ServerResponse, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (gone.aborted) return resolve();
    const done = () => {
      outgoing.off('drain', done);
      gone.removeEventListener('abort', done);
      resolve();
    };
    outgoing.once('drain', done);
    gone.addEventListener('abort', done, { once: true });
  });
}
