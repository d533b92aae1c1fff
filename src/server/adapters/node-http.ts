import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import { type Refusal, refuse, rpcCode, wrongMethod } from '../../endpoint/answers.ts';
import type { RequestContext } from '../../endpoint/incoming.ts';
import { leanRequest, wholeRequest } from '../../endpoint/lean-request.ts';
import { SessionManager } from '../session-manager.ts';
import { clientIsGone, sendAnswer } from './node-answer.ts';

/** What a middleware may have left on a request: Express's `express.json()`, the SDK's `requireBearerAuth()`. */
type WithMiddleware = IncomingMessage & { readonly body?: unknown; readonly auth?: AuthInfo };

interface Handler {
  handle(request: Request, context?: RequestContext): Promise<Response>;
}

type Listener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

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
export function nodeListener(manager: Handler): Listener {
  return manager instanceof SessionManager ? leanListener(manager) : listener(manager, wholeRequest);
}

/** The same for a handler of this project that hands the request on to a `SessionManager` and to nobody else. */
export function leanListener(handler: Handler): Listener {
  return listener(handler, (request) => request);
}

function listener(handler: Handler, prepared: (request: Request) => Request): Listener {
  return async (incoming: WithMiddleware, outgoing) => {
    const read = readRequest(incoming, outgoing);
    if ('refusal' in read) return sendAnswer(refuse(read.refusal), outgoing);
    const whenSent: (() => void)[] = [];
    const answer = await handler.handle(prepared(read.request), {
      authInfo: incoming.auth,
      parsedBody: incoming.body,
      readBody: isBodyless(incoming) ? undefined : (maxBytes) => readBody(incoming, maxBytes),
      remoteAddress: incoming.socket.remoteAddress,
      httpVersion: incoming.httpVersion,
      onSent: (done) => whenSent.push(done),
    });
    await sendAnswer(answer, outgoing).finally(() => {
      for (const done of whenSent) done();
    });
  };
}

const notAnAddress: Refusal = {
  status: 400,
  code: rpcCode.refused,
  message: 'Bad Request: the address cannot be read.',
};

/** The request, without its body. What is refused here is what no `Request` can be made of. */
function readRequest(
  { method = 'GET', url = '/', headers, rawHeaders }: IncomingMessage,
  outgoing: ServerResponse,
): { readonly request: Request } | { readonly refusal: Refusal } {
  const address = URL.parse(`http://${headers.host ?? 'localhost'}${url}`);
  if (!url.startsWith('/') || !address || address.username || address.password) {
    return { refusal: notAnAddress };
  }
  if (method === 'TRACE') return { refusal: wrongMethod };
  const makeSignal = () => goneSignal(outgoing);
  return { request: leanRequest({ method, url: address.href, rawHeaders, makeSignal }) };
}

/** Aborts when the client leaves before it has the whole answer. */
function goneSignal(outgoing: ServerResponse): AbortSignal {
  const gone = new AbortController();
  const onClose = () => {
    if (!outgoing.writableFinished) gone.abort(clientIsGone);
  };
  if (outgoing.closed) onClose();
  else outgoing.once('close', onClose);
  return gone.signal;
}

function isBodyless({ method, body }: WithMiddleware): boolean {
  return body !== undefined || method === 'GET' || method === 'HEAD' || method === 'DELETE';
}

/** A web stream over the request would take more time than all else that a small request costs. */
function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    let isWhole = false;
    const brokeOff = () => {
      // Every request ends with `close`, and an error that nobody sees takes as long to make as one that is seen.
      if (!isWhole) reject(new Error('The body broke off.'));
    };
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
    incoming.once('end', () => {
      isWhole = true;
      resolve(Buffer.concat(chunks));
    });
    incoming.once('error', brokeOff);
    incoming.once('close', brokeOff);
  });
}
