import { zoneOf } from '../../base/address-zones.ts';

/** What a sign-in may do that is refused otherwise: each names what it allows. */
export interface AuthorizationAllowances {
  /**
   * Origins, such as `http://10.0.0.7:8080`, that a server may name for its authorization whatever their scheme and
   * wherever they are.
   */
  readonly origins?: readonly string[];
  /** Schemes, such as `com.example.idp:`, that the page may have on which a person signs in. */
  readonly pageSchemes?: readonly string[];
  /** Issuers that the metadata of an authorization server may name though it was found at another address. */
  readonly issuers?: readonly string[];
}

/**
 * Whether a server may have its client send requests to an address for its authorization: to itself, or to one over
 * https that is public or as near as the server is; over http only from this machine to this machine.
 */
export function mayBeAsked(
  server: URL,
  target: URL,
  { origins = [] }: AuthorizationAllowances = {},
): boolean {
  if (target.origin === server.origin || isAmong(origins, target)) return true;
  const [from, to] = [zoneOf(server), zoneOf(target)];
  if (target.protocol === 'http:') return from === 'loopback' && to === 'loopback';
  return target.protocol === 'https:' && (to === 'public' || to === from);
}

/** Whether a page may be opened for a person: any other scheme may start a program of theirs. */
export function mayBeShown(page: URL, { origins = [], pageSchemes = [] }: AuthorizationAllowances): boolean {
  if (page.protocol === 'https:' || pageSchemes.includes(page.protocol)) return true;
  return page.protocol === 'http:' && (zoneOf(page) === 'loopback' || isAmong(origins, page));
}

/**
 * The issuer whose metadata is found at an address (RFC 8414, section 3.1; OpenID Connect Discovery, section 4);
 * undefined for an address of anything else.
 */
export function issuerOfMetadata({ origin, pathname }: URL): string | undefined {
  const inserted = /^\/\.well-known\/(?:oauth-authorization-server|openid-configuration)(\/.*)?$/.exec(
    pathname,
  );
  if (inserted) return origin + (inserted[1] ?? '');
  const appended = /^(\/.+)\/\.well-known\/openid-configuration$/.exec(pathname);
  return appended ? origin + appended[1] : undefined;
}

/** Whether two texts name one issuer: as they stand (RFC 8414, section 3.3), but for one slash at the end. */
export function isSameIssuer(one: string, other: string): boolean {
  const bare = (text: string) => text.replace(/\/$/, '');
  return bare(one) === bare(other);
}

function isAmong(origins: readonly string[], { origin }: URL): boolean {
  return origins.some((each) => URL.canParse(each) && new URL(each).origin === origin);
}
