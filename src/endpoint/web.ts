import { readAtMost } from '../base/bounded-body.ts';
import type { HttpAnswer, HttpRequest } from './http.ts';
import type { RequestContext } from './incoming.ts';

/**
 * Conversion from and to the platform's `Request` and `Response`, at the edge; the code between works on
 * http.ts.
 */

/** A platform request as the endpoint reads it. */
export function httpRequest(request: Request, { readBody }: RequestContext = {}): HttpRequest {
  return {
    method: request.method,
    url: request.url,
    headers: request.headers,
    get signal() {
      return request.signal;
    },
    platform: request,
    // Not with `for await`: an early exit would cancel the stream, and node:http then drops the answer with
    // the request.
    body: readBody ?? ((maxBytes) => readAtMost(request.body?.getReader(), maxBytes)),
  };
}

/**
 * The platform's `Request`, for code outside this project. Without a body, unless the request came as one.
 */
export function platformRequest(request: HttpRequest): Request {
  const { method, url, headers, platform } = request;
  return (
    platform ?? new Request(url, { method, headers: Object.fromEntries(headers), signal: request.signal })
  );
}

/**
 * Converts a platform response. Drops the SDK's `connection: keep-alive`: Node.js sends it itself, with the
 * timeout. Without the timeout, a client may send its next request on a connection that is being closed.
 */
export function answerOf({ status, headers, body }: Response): HttpAnswer {
  const fields: Record<string, string | string[]> = {};
  for (const [name, value] of headers) {
    if (name === 'set-cookie') fields[name] = headers.getSetCookie();
    else if (name !== 'connection' || value !== 'keep-alive') fields[name] = value;
  }
  return { status, headers: fields, body: body ?? undefined };
}

/**
 * An answer as a platform response.
 * @param onSent registers a callback with the sender; without it, a stream around the body detects the end
 */
export function responseOf(answer: HttpAnswer, onSent?: RequestContext['onSent']): Response {
  const { status, headers, body, onSent: done } = answer;
  const fields = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  );
  const make = (content: HttpAnswer['body']) => new Response(content ?? null, { status, headers: fields });
  if (!done) return make(body);
  if (onSent) {
    onSent(done);
    return make(body);
  }
  if (typeof body !== 'object') {
    done();
    return make(body);
  }
  return make(watched(body, done));
}

/** The same stream; `done` is called once, when it was read to its end, has failed or is cancelled. */
function watched(body: ReadableStream<Uint8Array>, done: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let isDone = false;
  // Cancelling a body also ends the pending read, which would report a second end.
  const doneOnce = () => {
    if (!isDone) done();
    isDone = true;
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done: ended, value } = await reader.read();
        if (!ended) return controller.enqueue(value);
        doneOnce();
        controller.close();
      } catch (error) {
        doneOnce();
        controller.error(error);
      }
    },
    async cancel(reason) {
      doneOnce();
      await reader.cancel(reason);
    },
  });
}
