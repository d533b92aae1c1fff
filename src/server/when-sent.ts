/** The same response; `done` is called once, when its body has been read to the end, has failed or is given up. */
export function whenSent(response: Response, done: () => void): Response {
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
