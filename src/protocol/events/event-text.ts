/**
 * A message as an event of a stream (WHATWG HTML, server-sent events).
 * @param json without a line end; see `lineOf`
 * @param id by which the client can come back for what follows; empty for none
 */
export function eventText(json: string, id = ''): string {
  return `event: message\n${id === '' ? '' : `id: ${id}\n`}data: ${json}\n\n`;
}

/** An event that says nothing, and from which the rest can be had should the stream break (SEP-1699). */
export function markText(id: string): string {
  return `id: ${id}\ndata: \n\n`;
}
