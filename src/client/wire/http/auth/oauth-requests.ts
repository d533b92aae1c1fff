import { type Clock, deadline, type Fetch } from '../../../../base/environment.ts';
import type { ResilientMcpError } from '../../../../protocol/errors.ts';
import { describeError } from '../../../../protocol/errors.ts';
import {
  type AuthorizationAllowances,
  isSameIssuer,
  issuerOfMetadata,
  mayBeAsked,
  mayBeShown,
} from '../../../../protocol/http/authorization-targets.ts';
import { readWhole } from '../body.ts';
import { isNetworkError } from '../network-error.ts';
import type { RunOfRequests } from './guarded-provider.ts';
import { notAllowed } from './unauthorized.ts';

/** Answers of an authorization server that say "later", not "no". */
const TRANSIENT: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** What every run of the OAuth flow of one connection shares. */
export interface OAuthContext {
  readonly serverUrl: URL;
  readonly fetch: Fetch;
  readonly clock: Clock;
  /** How long one request to the authorization server may take, answer included, in ms. */
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
  /** Of the user's `requestInit`, all but the headers: those are for the MCP server, and may be secrets. */
  readonly init: RequestInit;
  readonly allows: AuthorizationAllowances;
}

/** What the metadata of an authorization server says of itself. */
export interface IssuerMetadata {
  readonly issuer: string;
  /** Whether it names itself in every answer that a browser brings back (RFC 9207). */
  readonly namesItself: boolean;
}

/** The requests of one run: to allowed addresses alone, bounded, read whole; what was not answered is remembered. */
export class OAuthRequests implements RunOfRequests {
  refused: ResilientMcpError | undefined;
  unanswered: string | undefined;
  resourceUnanswered: string | undefined;
  /** The authorization server whose metadata was used. */
  metadata: IssuerMetadata | undefined;
  readonly #context: OAuthContext;
  readonly #signal: AbortSignal;
  readonly #resourceMetadataUrl: URL | undefined;
  /** Called before a token is asked for. */
  readonly #onTokenRequest: (metadata: IssuerMetadata | undefined) => void;

  constructor(
    context: OAuthContext,
    signal: AbortSignal,
    resourceMetadataUrl: URL | undefined,
    onTokenRequest: (metadata: IssuerMetadata | undefined) => void = () => {},
  ) {
    this.#context = context;
    this.#signal = signal;
    this.#resourceMetadataUrl = resourceMetadataUrl;
    this.#onTokenRequest = onTokenRequest;
  }

  async fetch(given: string | URL, init: RequestInit | undefined): Promise<Response> {
    const url = new URL(given);
    this.#check(url);
    if (init?.method === 'POST') this.#onTokenRequest(this.metadata);
    const response = await this.#fetch(url, init);
    const issuer = issuerOfMetadata(url);
    if (issuer !== undefined && response.ok) await this.#learn(issuer, response.clone());
    return response;
  }

  async #fetch(url: URL, init: RequestInit | undefined): Promise<Response> {
    const { clock, timeoutMs, maxBodyBytes, init: base } = this.#context;
    // A token request that was sent may have spent a token or a code: its answer is taken, whoever has closed meanwhile.
    const givenUp = init?.method === 'POST' ? [] : [this.#signal];
    const limit = deadline(clock, timeoutMs, ...givenUp);
    let why: string | undefined;
    try {
      const response = await this.#context.fetch(url, { ...base, ...init, signal: limit.signal });
      if (TRANSIENT.has(response.status)) why = `it answered ${response.status}`;
      return await inMemory(response, maxBodyBytes);
    } catch (error) {
      if (limit.signal.aborted) why = `no answer within ${timeoutMs} ms`;
      // Without a code it is a browser's refusal to show the answer (CORS), and the server is well.
      else if (isNetworkError(error)) why = describeError(error);
      throw error;
    } finally {
      limit.release();
      if (this.#isResourceMetadata(url)) this.resourceUnanswered = why;
      else this.unanswered = why;
    }
  }

  /** A server of revision 2025-03-26 is its own authorization server, and its metadata stand at its root. */
  #isOwn(issuer: string, expected: string): boolean {
    const { origin } = this.#context.serverUrl;
    return expected === origin && URL.canParse(issuer) && new URL(issuer).origin === origin;
  }

  checkPage(page: URL): void {
    if (mayBeShown(page, this.#context.allows)) return;
    const origin = page.origin === 'null' ? undefined : page.origin;
    this.refused ??= notAllowed(
      `The page to sign in on is ${page.protocol}${origin ? `//${page.host}` : ''}, and not https.`,
      origin
        ? `${origin} in authorizationAllows.origins`
        : `${page.protocol} in authorizationAllows.pageSchemes`,
    );
    throw this.refused;
  }

  /** What `auth()` passes over, such as metadata of the resource that it could not get, ends the run all the same. */
  #check(url: URL): void {
    const { serverUrl, allows } = this.#context;
    if (!mayBeAsked(serverUrl, url, allows)) {
      const place = url.host ? `${url.protocol}//${url.host}` : url.protocol;
      this.refused ??= notAllowed(
        `The server names ${place} for its authorization, which is nothing that it may have asked.`,
        url.host ? `${url.origin} in authorizationAllows.origins` : undefined,
      );
    }
    if (this.refused) throw this.refused;
  }

  /** @throws ResilientMcpError `UNAUTHORIZED` where it is the metadata of another issuer (RFC 8414, section 3.3) */
  async #learn(expected: string, response: Response): Promise<void> {
    const found: unknown = await response.json().catch(() => undefined);
    const metadata: Readonly<Record<string, unknown>> = Object(found);
    const { issuer } = metadata;
    if (typeof issuer !== 'string' || this.takes(metadata, expected)) return;
    const quoted = JSON.stringify(issuer.slice(0, 200));
    this.refused ??= notAllowed(
      `The authorization server at ${expected} calls itself ${quoted}.`,
      `${quoted} in authorizationAllows.issuers`,
    );
    throw this.refused;
  }

  takes(metadata: Readonly<Record<string, unknown>>, expected: string): boolean {
    const { issuer, authorization_response_iss_parameter_supported: namesItself } = metadata;
    if (typeof issuer !== 'string') return false;
    const isTaken = isSameIssuer(issuer, expected) || this.#isOwn(issuer, expected);
    if (!isTaken && !this.#context.allows.issuers?.includes(issuer)) return false;
    this.metadata = { issuer, namesItself: namesItself === true };
    return true;
  }

  #isResourceMetadata(url: URL): boolean {
    return (
      url.href === this.#resourceMetadataUrl?.href ||
      url.pathname.startsWith('/.well-known/oauth-protected-resource')
    );
  }
}

async function inMemory(response: Response, maxBytes: number): Promise<Response> {
  const { status, statusText, headers } = response;
  // What a browser shows of a redirect has status 0, and can't be made by hand.
  if (status < 200 || response.body === null) return response;
  const body = await readWhole(response, maxBytes);
  return new Response(body, { status, statusText, headers: withoutEncoding(headers) });
}

/** The body has been decoded and measured anew. */
function withoutEncoding(headers: Headers): Headers {
  const result = new Headers(headers);
  result.delete('content-encoding');
  result.delete('content-length');
  return result;
}
