import { isLoopback } from '../base/address-zones.ts';
import { printableJson } from '../base/printable.ts';
import type { HttpRequest } from './http.ts';
import { type Refusal, rpcCode } from './refusals.ts';

export interface GuardOptions {
  /**
   * Host names (without port) under which this server may be addressed, or `'any'`. Default: the loopback names.
   * A page in a browser can point a name of its own at 127.0.0.1 and talk to a local server as if it were its own
   * (DNS rebinding); the name then stands in `Host`, and here the request ends. Name your public host here when the
   * server has one, also behind a proxy that passes `Host` on. Use `'any'` only where an authorization is asked for.
   */
  readonly allowedHosts?: readonly string[] | 'any';
  /**
   * Origins (`https://app.example`) whose pages may send requests, beside those of the server's own host and, on a
   * loopback host, of loopback pages. A request without `Origin` does not come from a page. MCP 2025-11-25,
   * basic/transports, requires this check.
   */
  readonly allowedOrigins?: readonly string[];
}

/** What a request says of where it is to go. */
type Addressed = Pick<HttpRequest, 'url'> & { readonly headers: Pick<HttpRequest['headers'], 'get'> };

/** Why a request must not be served to whoever sent it; undefined when it may. */
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

/** The name under which a request addresses this server; empty when that is no host. */
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

/** The name in a Host header, as `URL` writes it; empty when the header is no host. */
function hostOf(header: string): string {
  return /[/?#@\\\s]/.test(header) ? '' : (URL.parse(`http://${header}`)?.hostname ?? '');
}

/** Foreign text in an error message: bounded, and without control characters. */
function printable(text: string): string {
  return printableJson(text.slice(0, 100));
}
