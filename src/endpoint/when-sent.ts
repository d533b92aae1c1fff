import type { RequestContext } from './incoming.ts';

/**
 * The same response; `done` is called once, when its body has been sent, has failed or is given up.
 * @param onSent has that said by who sends it
 */
export function whenSent(
  response: Response,
  done: () => void,
  onSent: RequestContext['onSent'] = undefined,
): Response {
  if (onSent) {
    onSent(done);
    return response;
  }
  const reader = response.body?.getReader();
  if (!reader) {
    done();
    return response;
  }
  let isDone = false;
  // Giving a body up also ends the read that waits for its next chunk: without this, that would be two ends.
  const doneOnce = () => {
    if (!isDone) done();
    isDone = true;
  };
  const body = new ReadableStream<Uint8Array>({
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
  const { status, statusText, headers } = response;
  return new Response(body, { status, statusText, headers });
}
