import {
  auth,
  extractWWWAuthenticateParams,
  type OAuthClientProvider,
} from '@modelcontextprotocol/sdk/client/auth.js';
import { OAuthError, ServerError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { describeError, isResilientMcpError, type ResilientMcpError } from '../../protocol/errors.ts';
import { type Clock, deadline, type Fetch } from '../environment.ts';
import { readWhole } from './body.ts';
import {
  guardedProvider,
  notAnswered,
  type RefusedCredentials,
  RenewedElsewhere,
  type RunOfRequests,
} from './guarded-provider.ts';
import type { HttpResponse } from './http-client.ts';
import { isNetworkError } from './network-error.ts';
import { withoutSecrets } from './secrets.ts';
import { needsAuthorization } from './unauthorized.ts';

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
}

export interface OAuthRequest {
  readonly provider: OAuthClientProvider;
  readonly resourceMetadataUrl: URL | undefined;
  readonly scope: string | undefined;
  /** What the person's browser came back with. */
  readonly authorizationCode?: string;
  /** What is to be renewed or widened; undefined with a code. */
  readonly refused?: RefusedCredentials;
  readonly signal: AbortSignal;
}

/** What a 401 or 403 says in its `WWW-Authenticate`, of which the SDK reads nothing but the header. */
export function challengeOf({ headers }: HttpResponse) {
  return extractWWWAuthenticateParams({ headers } as Response);
}

/**
 * Runs the SDK's `auth()` once, bounded in time and size.
 * @returns `asked`: a person has been sent to sign in; `authorized`: the provider holds others than were refused
 * @throws ResilientMcpError `UNAUTHORIZED` when there is no authorization to be had; `SERVER_UNAVAILABLE` when the
 *   authorization server did not answer, which a person who signs in could not change
 */
export async function runOAuth(
  context: OAuthContext,
  request: OAuthRequest,
): Promise<'authorized' | 'asked'> {
  const { provider, refused, signal, resourceMetadataUrl, scope, authorizationCode } = request;
  const requests = new OAuthRequests(context, signal, resourceMetadataUrl);
  try {
    const result = await auth(
      guardedProvider(provider, refused, requests, { clock: context.clock, signal }),
      {
        serverUrl: context.serverUrl,
        fetchFn: (url, init) => requests.fetch(url, init),
        ...(resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl }),
        ...(scope === undefined ? {} : { scope }),
        ...(authorizationCode === undefined ? {} : { authorizationCode }),
      },
    );
    return result === 'AUTHORIZED' ? 'authorized' : 'asked';
  } catch (error) {
    if (error instanceof RenewedElsewhere) return 'authorized';
    if (isResilientMcpError(error)) throw error;
    const isRefusal = error instanceof OAuthError && !(error instanceof ServerError);
    if (requests.unanswered !== undefined && !isRefusal) throw notAnswered(requests.unanswered);
    throw await notAuthorized(provider, error, authorizationCode);
  }
}

/** The requests of one run: bounded, their answers read whole, and what was not answered remembered. */
class OAuthRequests implements RunOfRequests {
  unanswered: string | undefined;
  resourceUnanswered: string | undefined;
  readonly #context: OAuthContext;
  readonly #signal: AbortSignal;
  readonly #resourceMetadataUrl: URL | undefined;

  constructor(context: OAuthContext, signal: AbortSignal, resourceMetadataUrl: URL | undefined) {
    this.#context = context;
    this.#signal = signal;
    this.#resourceMetadataUrl = resourceMetadataUrl;
  }

  async fetch(url: string | URL, init: RequestInit | undefined): Promise<Response> {
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
      if (this.#isResourceMetadata(new URL(url))) this.resourceUnanswered = why;
      else this.unanswered = why;
    }
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

/** In the authorization server's words, without the secrets that it may repeat. */
async function notAuthorized(
  provider: OAuthClientProvider,
  error: unknown,
  code: string | undefined,
): Promise<ResilientMcpError> {
  const words =
    error instanceof OAuthError
      ? [error.errorCode, error.message].filter(Boolean).join(': ')
      : describeError(error);
  const clean = withoutSecrets(words, await secretsOfProvider(provider, code));
  const message = `The server wants authorization, and none could be had: ${clean.slice(0, 300)}`;
  return needsAuthorization(message, clean === words ? error : undefined);
}

async function secretsOfProvider(
  provider: OAuthClientProvider,
  code: string | undefined,
): Promise<ReadonlyMap<string, string>> {
  const tokens = await Promise.resolve(provider.tokens()).catch(() => undefined);
  const client = await Promise.resolve(provider.clientInformation()).catch(() => undefined);
  const secrets = [tokens?.access_token, tokens?.refresh_token, client?.client_secret, code];
  return new Map(secrets.flatMap((secret) => (secret ? [[secret, '***']] : [])));
}
