import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import { HeaderMap, type HttpAnswer, type HttpRequest } from '../http.ts';
import type { RequestContext } from '../incoming.ts';
import { type Refusal, refuse, rpcCode, wrongMethod } from '../refusals.ts';
import { clientIsGone, sendAnswer } from './send-answer.ts';

/** Properties that a middleware may have set: Express's `express.json()`, the SDK's `requireBearerAuth()`. */
type WithMiddleware = IncomingMessage & { readonly body?: unknown; readonly auth?: AuthInfo };

export type NodeListener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * A listener for `node:http` that passes each request to `answer` and sends the result. It uses
 * `request.body` and `request.auth` when a middleware has set them. Its promise resolves when the answer has
 * been sent or its client is gone, and never rejects.
 */
export function listener(
  answer: (request: HttpRequest, context: RequestContext) => Promise<HttpAnswer>,
): NodeListener {
  return async (incoming: WithMiddleware, outgoing) => {
    const request = NodeRequest.of(incoming, outgoing);
    if ('status' in request) return sendAnswer(refuse(request), outgoing);
    const answered = await answer(request, {
      authInfo: incoming.auth,
      parsedBody: incoming.body,
      remoteAddress: incoming.socket.remoteAddress,
      httpVersion: incoming.httpVersion,
    });
    await sendAnswer(answered, outgoing).finally(answered.onSent);
  };
}

const notAnAddress: Refusal = {
  status: 400,
  code: rpcCode.refused,
  message: 'Bad Request: the address cannot be read.',
};

class NodeRequest implements HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers = new HeaderMap();
  readonly #incoming: WithMiddleware;
  readonly #outgoing: ServerResponse;
  #signal: AbortSignal | undefined;

  /** Refuses a request that cannot become a `Request`. */
  static of(incoming: WithMiddleware, outgoing: ServerResponse): NodeRequest | Refusal {
    const { url = '/', headers, method } = incoming;
    const address = URL.parse(`http://${headers.host ?? 'localhost'}${url}`);
    if (!url.startsWith('/') || !address || address.username || address.password) return notAnAddress;
    return method === 'TRACE' ? wrongMethod : new NodeRequest(incoming, outgoing, address.href);
  }

  private constructor(incoming: WithMiddleware, outgoing: ServerResponse, url: string) {
    const { method = 'GET', rawHeaders } = incoming;
    this.method = method;
    this.url = url;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    for (let at = 0; at < rawHeaders.length; at += 2) {
      this.headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
    }
  }

  get signal(): AbortSignal {
    this.#signal ??= goneSignal(this.#outgoing);
    return this.#signal;
  }

  body(maxBytes: number): Promise<Uint8Array | undefined> {
    return readBody(this.#incoming, maxBytes);
  }
}

/** Aborts when the client disconnects before it has the whole answer. */
function goneSignal(outgoing: ServerResponse): AbortSignal {
  const gone = new AbortController();
  const onClose = () => {
    if (!outgoing.writableFinished) gone.abort(clientIsGone);
  };
  if (outgoing.closed) onClose();
  else outgoing.once('close', onClose);
  return gone.signal;
}

/** Reads the body without a web stream, which would cost more than the rest of a small request. */
function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    let isWhole = false;
    const brokeOff = () => {
      // Every request ends with `close`. Creating the error is slow even when it is not observed.
      if (!isWhole) reject(new Error('The body broke off.'));
    };
    // The event may have fired already, and does not fire again.
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
