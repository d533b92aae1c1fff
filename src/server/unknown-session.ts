import { isLoopback } from '../base/address-zones.ts';
import { addressedHost } from '../endpoint/guard.ts';
import type { Handshake } from '../endpoint/handshake.ts';
import type { HttpRequest } from '../endpoint/http.ts';
import type { Incoming, RequestContext } from '../endpoint/incoming.ts';
import { Refused, unknownId } from '../endpoint/refusals.ts';
import { PROTOCOL_VERSION_HEADER } from '../protocol/http/headers.ts';
import { Seal } from './ids/sealed.ts';
import type { Records } from './store/records.ts';

export interface UnknownSessionOptions {
  readonly policy: 'reject' | 'replace';
  readonly records: Records;
  /** Keys that seal the stored ids. */
  readonly keys: readonly string[];
  readonly newNonce: () => string;
  /** How long an unknown id is an alias of the session that replaced it, in ms. */
  readonly aliasMs: number;
}

/**
 * The policy `unknownSession`, for ids that none of our keys has signed. Under `replace`, such an id is an
 * alias of a session that is opened in its place. The aliases are in the store, sealed.
 */
export class UnknownSessions {
  readonly #options: UnknownSessionOptions;
  readonly #seal: Seal;
  readonly #opening = new Map<string, Promise<string>>();

  constructor(options: UnknownSessionOptions) {
    this.#options = options;
    this.#seal = new Seal(options.keys);
  }

  /**
   * The id of the session that replaces an unknown one.
   * @param mayOpen whether a session may be opened: a GET stream or a late response has no use for an empty
   * one
   * @throws Refused when there is none
   */
  async replacementOf(
    unknown: string,
    incoming: Incoming,
    mayOpen: () => Promise<boolean>,
    open: () => Promise<string>,
  ): Promise<string> {
    if (this.#options.policy === 'reject') throw new Refused(unknownId);
    if (!mayReplace(incoming)) {
      throw new Refused(unknownId, 'replaced only for this machine, or with an authorization');
    }
    const name = aliasName(unknown, incoming.principal);
    const known = await (this.#opening.get(name) ?? this.#alias(name));
    if (known !== undefined) return known;
    if (!(await mayOpen())) throw new Refused(unknownId);
    // One opening at a time for each name, for the same reason as in SessionRegistry.adopt.
    const opening = this.#opening.get(name) ?? this.#open(name, open);
    this.#opening.set(name, opening);
    return opening.finally(() => this.#opening.delete(name));
  }

  async #alias(name: string): Promise<string | undefined> {
    const sealed = await this.#options.records.alias(name);
    return sealed === undefined ? undefined : this.#seal.open(sealed, name);
  }

  async #open(name: string, open: () => Promise<string>): Promise<string> {
    const { records, newNonce, aliasMs } = this.#options;
    const id = await open();
    await records.keepAlias(name, this.#seal.close(id, name, newNonce()), aliasMs);
    return id;
  }
}

/**
 * The revision assumed when a client names none (MCP 2025-06-18, basic/transports, protocol version header).
 */
const ASSUMED_REVISION = '2025-03-26';

/** Headers by which proxies, load balancers and CDNs mark a forwarded request. */
const PROXY =
  /^(?:(?:x-)?forwarded(?:-.+)?|via|proxy-.+|x-proxy.*|x-real-ip|x-client-ip|x-cluster-client-ip|true-client-ip|x-original-.+|x-envoy-.+|x-arr-.+|x-amzn?-.+|x-azure-.+|x-appengine-.+|x-cloud-.+|x-vercel-.+|cf-.+|cdn-loop|fastly-.+|fly-.+|x?-?akamai-.+|x-varnish|x-request-start)$/;

/**
 * Whether an unknown id may be replaced for this client: it is authorized, or on this machine. Any other
 * client on the network could otherwise open sessions under any text, and use sessions that others were made
 * to open (see `unknownSession`).
 */
function mayReplace({ request, principal, context }: Incoming): boolean {
  if (principal !== undefined) return true;
  const { remoteAddress } = context;
  const isNear = remoteAddress === undefined || /^(?:::ffff:)?127\.|^::1$/.test(remoteAddress);
  return isNear && isLoopback(addressedHost(request)) && !isPassedOn(request, context);
}

/**
 * Whether a proxy forwarded the request. A proxy on this machine also has a loopback address, and may send
 * "localhost" as Host for any client. A proxy that adds no header is recognized by HTTP/1.0, nginx's default,
 * which no MCP client uses. Any other proxy without a header goes undetected.
 */
function isPassedOn({ headers }: HttpRequest, { httpVersion = '1.1' }: RequestContext): boolean {
  return httpVersion === '1.0' || [...headers].some(([name]) => PROXY.test(name));
}

/** The handshake of a client whose own is not known: the minimum, without capabilities. */
export function unknownHandshake({ request }: Incoming): Handshake {
  return {
    protocolVersion: request.headers.get(PROTOCOL_VERSION_HEADER) ?? ASSUMED_REVISION,
    clientInfo: { name: 'unknown', version: '0' },
    capabilities: {},
  };
}

/**
 * The store key of an alias. It includes the principal, so that another principal with the same id does not
 * find it.
 */
function aliasName(unknownId: string, principal: string | undefined): string {
  return JSON.stringify([unknownId, principal ?? null]);
}
