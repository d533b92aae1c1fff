/** The messages of an answer, as they were written: of a JSON body, or of an event stream read to its end. */
export async function textsOf(response: Response): Promise<string[]> {
  const text = await response.text();
  if (response.headers.get('content-type')?.startsWith('application/json')) {
    const body: unknown = JSON.parse(text);
    return Array.isArray(body) ? body.map((each) => JSON.stringify(each)) : [text];
  }
  return [...text.matchAll(/(?<=^|\n)data: ([^\n]+)/g)].map(([, data]) => data ?? '');
}

export async function messagesOf(response: Response): Promise<unknown[]> {
  return (await textsOf(response)).map((text) => JSON.parse(text));
}
