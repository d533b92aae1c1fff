import type { Fetch } from '../../../base/environment.ts';
import type { HttpClient } from '../../../base/http-client.ts';

/**
 * The `fetch` that a user has handed in, and that of a platform without `node:http`. Nobody can tell it on which of its
 * connections a request is to go, so none is left over: each closes its own. Where the platform sets that header itself,
 * as browsers do, it may be sent on an old one all the same.
 */
export function fetchClient(fetch: Fetch): HttpClient {
  return (url, { connection: _, onConnection, ...init }) => {
    const headers = new Headers(init.headers);
    headers.set('connection', 'close');
    // As in node-client.ts: a coding that nobody needs is one more thing to go wrong.
    if (!headers.has('accept-encoding')) headers.set('accept-encoding', 'identity');
    onConnection?.(false);
    return fetch(url, { ...init, headers });
  };
}
