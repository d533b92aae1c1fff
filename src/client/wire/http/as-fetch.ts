import type { Fetch } from '../../../base/environment.ts';
import type { HttpClient, HttpResponse } from '../../../base/http-client.ts';

/** Statuses whose answers have no body (Fetch standard, null body status). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);

/** A client for those that want a `fetch`. It follows no redirect. */
export function asFetch(send: HttpClient): Fetch {
  return async (url, init) => {
    // The standard's own class knows what a body of each kind means.
    const request = new Request(url, init);
    const { method, headers, signal } = request;
    const body = request.body ? await request.text() : undefined;
    const response = await send(new URL(request.url), {
      method,
      headers,
      signal,
      ...(body !== undefined && { body }),
    });
    const { status, statusText } = response;
    return new Response(streamOf(response), { status, statusText, headers: [...response.headers] });
  };
}

function streamOf({ status, body }: HttpResponse): ReadableStream<Uint8Array> | null {
  if (!body || WITHOUT_BODY.has(status)) return null;
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value } = await reader.read();
      if (value) controller.enqueue(value);
      else controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
