import type { HttpInit, HttpResponse } from '../../../base/http-client.ts';
import { ResilientMcpError } from '../../../protocol/errors.ts';

const MAX_REDIRECTS = 5;

/**
 * A fetch that follows a redirect only where that is safe for a request with secrets: it keeps the method (307, 308)
 * and stays within the origin, or goes from http to https on the same host. Session ids and API keys are ordinary
 * headers, which a plain `fetch` would carry to any other origin.
 */
export function withinOrigin<R extends HttpResponse, I extends HttpInit = HttpInit>(
  fetch: (url: URL, init: I) => Promise<R>,
): (url: URL | string, init?: I) => Promise<R> {
  return async (url, init = {} as I) => {
    let target = typeof url === 'string' ? new URL(url) : url;
    // A caller that chose its own redirect mode keeps it.
    if (init.redirect !== undefined && init.redirect !== 'follow') return fetch(target, init);
    for (let hops = 0; ; hops++) {
      const response = await fetch(target, { ...init, redirect: 'manual' });
      const location = response.headers.get('location');
      if (response.status < 300 || response.status > 399 || location === null) return response;
      const next = new URL(location, target);
      const keepsMethod = response.status === 307 || response.status === 308 || init.method === 'GET';
      response.body?.cancel().catch(() => {});
      if (!keepsMethod || !isSameSite(target, next) || hops >= MAX_REDIRECTS)
        throw notFollowed(response.status, target, next);
      target = next;
    }
  };
}

function isSameSite(from: URL, to: URL): boolean {
  if (to.username || to.password) return false;
  const upgraded =
    from.protocol === 'http:' && to.protocol === 'https:' && from.port === '' && to.port === '';
  return from.origin === to.origin || (upgraded && from.hostname === to.hostname);
}

function notFollowed(status: number, from: URL, to: URL): ResilientMcpError {
  return new ResilientMcpError(
    'HTTP_STATUS',
    `The server at ${from.origin} redirects (${status}) to ${to.origin}${to.pathname}, which was not followed: the request carries credentials.`,
    { status, advice: 'Use the final address as the url.' },
  );
}
