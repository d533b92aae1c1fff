import { isLoopback } from '../base/address-zones.ts';
import { addressedHost } from '../endpoint/guard.ts';
import type { Handshake } from '../endpoint/handshake.ts';
import type { HttpRequest } from '../endpoint/http.ts';
import type { Incoming, RequestContext } from '../endpoint/incoming.ts';
import { PROTOCOL_VERSION_HEADER } from '../protocol/headers.ts';

/** What is assumed of a client that names no revision (MCP 2025-06-18, basic/transports, protocol version header). */
const ASSUMED_REVISION = '2025-03-26';

/** Headers by which proxies, balancers and networks of delivery say that they passed a request on. */
const PROXY =
  /^(?:(?:x-)?forwarded(?:-.+)?|via|proxy-.+|x-proxy.*|x-real-ip|x-client-ip|x-cluster-client-ip|true-client-ip|x-original-.+|x-envoy-.+|x-arr-.+|x-amzn?-.+|x-azure-.+|x-appengine-.+|x-cloud-.+|x-vercel-.+|cf-.+|cdn-loop|fastly-.+|fly-.+|x?-?akamai-.+|x-varnish|x-request-start)$/;

/**
 * Whether an unknown id may be replaced for whoever sent this: somebody whose authorization was looked at, or somebody
 * on this machine. Anyone else on the network could otherwise open sessions with any text, and use those that others
 * were made to open (see `unknownSession`).
 */
export function mayReplace({ request, principal, context }: Incoming): boolean {
  if (principal !== undefined) return true;
  const { remoteAddress } = context;
  const isNear = remoteAddress === undefined || /^(?:::ffff:)?127\.|^::1$/.test(remoteAddress);
  return isNear && isLoopback(addressedHost(request)) && !isPassedOn(request, context);
}

/**
 * A proxy on this machine has a loopback address too, and may say "localhost" for whomever it speaks for. One that adds
 * nothing is seen by its HTTP/1.0, which nginx speaks by default and no client of MCP does; else not at all.
 */
function isPassedOn({ headers }: HttpRequest, { httpVersion = '1.1' }: RequestContext): boolean {
  return httpVersion === '1.0' || [...headers].some(([name]) => PROXY.test(name));
}

/** What is known of a client whose handshake nobody has: that it can do nothing beyond the least. */
export function unknownHandshake({ request }: Incoming): Handshake {
  return {
    protocolVersion: request.headers.get(PROTOCOL_VERSION_HEADER) ?? ASSUMED_REVISION,
    clientInfo: { name: 'unknown', version: '0' },
    capabilities: {},
  };
}

/** The name under which an alias is kept: another principal that brings the same id does not find it. */
export function aliasName(unknownId: string, principal: string | undefined): string {
  return JSON.stringify([unknownId, principal ?? null]);
}
