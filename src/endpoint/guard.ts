import { isLoopback } from '../base/address-zones.ts';
import { printableJson } from '../base/printable.ts';
import type { HttpRequest } from './http.ts';
import { type Refusal, rpcCode } from './refusals.ts';

export interface GuardOptions {
  /**
   * Host names (without port) under which this server may be addressed, or `'any'`. Default: the loopback
   * names. A browser page can resolve its own name to 127.0.0.1 and so reach a local server as same-origin
   * (DNS rebinding). `Host` then holds that name, and the request is refused here. Add your public host when
   * the server has one, also behind a proxy that forwards `Host`. Use `'any'` only with authorization.
   */
  readonly allowedHosts?: readonly string[] | 'any';
  /**
   * Origins (`https://app.example`) whose pages may send requests, beside those of the server's own host and, on a
   * loopback host, of loopback pages. A request without `Origin` does not come from a page. MCP 2025-11-25,
   * basic/transports, requires this check.
   */
  readonly allowedOrigins?: readonly string[];
}

/** The target of a request: its URL and headers. */
type Addressed = Pick<HttpRequest, 'url'> & { readonly headers: Pick<HttpRequest['headers'], 'get'> };

/** The refusal for a request that must not be served; undefined when it may be. */
export function guard(request: Addressed, options: GuardOptions): Refusal | undefined {
  const host = addressedHost(request);
  if (!isAllowedHost(host, options.allowedHosts)) {
    return forbidden(
      `The host ${printable(host)} is not one of this server's; its owner can allow it (allowedHosts).`,
    );
  }
  const origin = request.headers.get('origin');
  if (origin !== null && !isAllowedOrigin(origin, host, options.allowedOrigins)) {
    return forbidden(
      `Pages of ${printable(origin)} may not use this server; its owner can allow them (allowedOrigins).`,
    );
  }
  return undefined;
}

/** The host name that a request addresses; empty when it is invalid. */
export function addressedHost({ headers, url }: Addressed): string {
  const header = headers.get('host');
  return header === null ? new URL(url).hostname : hostOf(header);
}

function forbidden(message: string): Refusal {
  return { status: 403, code: rpcCode.refused, message };
}

function isAllowedHost(host: string, allowed: GuardOptions['allowedHosts']): boolean {
  if (allowed === 'any') return true;
  return allowed ? allowed.some((name) => name.toLowerCase() === host) : isLoopback(host);
}

function isAllowedOrigin(origin: string, host: string, allowed: readonly string[] = []): boolean {
  if (allowed.includes(origin)) return true;
  const from = URL.parse(origin);
  if (!from || !/^https?:$/.test(from.protocol)) return false;
  return from.hostname === host || (isLoopback(host) && isLoopback(from.hostname));
}

/** The name in a Host header, normalized by `URL`; empty when the header is invalid. */
function hostOf(header: string): string {
  return /[/?#@\\\s]/.test(header) ? '' : (URL.parse(`http://${header}`)?.hostname ?? '');
}

/** Foreign text for an error message: truncated, without control characters. */
function printable(text: string): string {
  return printableJson(text.slice(0, 100));
}
