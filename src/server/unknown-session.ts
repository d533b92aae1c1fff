import { isLoopback } from '../base/address-zones.ts';
import { addressedHost } from '../endpoint/guard.ts';
import type { Handshake } from '../endpoint/handshake.ts';
import type { HttpRequest } from '../endpoint/http.ts';
import type { Incoming, RequestContext } from '../endpoint/incoming.ts';
import { Refused, unknownId } from '../endpoint/refusals.ts';
import { PROTOCOL_VERSION_HEADER } from '../protocol/headers.ts';
import { Seal } from './ids/sealed.ts';
import type { Records } from './store/records.ts';

export interface UnknownSessionOptions {
  readonly policy: 'reject' | 'replace';
  readonly records: Records;
  /** Seal the ids that are kept. */
  readonly keys: readonly string[];
  readonly newNonce: () => string;
  /** How long an unknown id is taken for the session that replaced it, in ms. */
  readonly aliasMs: number;
}

/**
 * The policy `unknownSession`, for ids that no key of ours has signed. By `replace` such an id is an alias of a session that
 * is opened in its place; the aliases are in the store, sealed.
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
   * The id of the session that stands for an unknown one.
   * @param mayOpen whether one may be opened: a stream or a late answer has no use for an empty session
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
    // One at a time for each name, for the same reason as in SessionRegistry.adopt.
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
function mayReplace({ request, principal, context }: Incoming): boolean {
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
function aliasName(unknownId: string, principal: string | undefined): string {
  return JSON.stringify([unknownId, principal ?? null]);
}
