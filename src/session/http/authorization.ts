import {
  auth,
  extractWWWAuthenticateParams,
  type OAuthClientProvider,
} from '@modelcontextprotocol/sdk/client/auth.js';
import { ResilientMcpError } from '../../protocol/errors.ts';
import type { Fetch } from '../environment.ts';

/** Where the headers of a connection come from. */
export interface AuthorizationOptions {
  readonly authProvider: OAuthClientProvider | undefined;
  readonly requestInit: RequestInit | undefined;
  readonly headers: (() => HeadersInit | Promise<HeadersInit>) | undefined;
}

/**
 * Authorization by the SDK's own pieces: bearer token from an `OAuthClientProvider`, static headers, or a function
 * giving fresh ones. Only a 401 or an `insufficient_scope` challenge starts OAuth, never a lost session
 * (claude-code#60949).
 */
export class Authorization {
  readonly #url: URL;
  readonly #options: AuthorizationOptions;
  readonly #fetch: Fetch;
  #underWay: Promise<boolean> | undefined;
  #resourceMetadataUrl: URL | undefined;
  #scope: string | undefined;
  #lastScopeChallenge: string | undefined;

  constructor(url: URL, options: AuthorizationOptions, fetch: Fetch) {
    this.#url = url;
    this.#options = options;
    this.#fetch = fetch;
  }

  /** Fresh headers for one request; later sources win: provider's token, `requestInit.headers`, `headers()`. */
  async headers(): Promise<Headers> {
    const { authProvider, requestInit, headers } = this.#options;
    const result = new Headers();
    const tokens = await authProvider?.tokens();
    if (tokens) result.set('authorization', `Bearer ${tokens.access_token}`);
    new Headers(requestInit?.headers).forEach((value, name) => {
      result.set(name, value);
    });
    if (headers) {
      new Headers(await headers()).forEach((value, name) => {
        result.set(name, value);
      });
    }
    return result;
  }

  /**
   * Answers a challenge. One authorization runs at a time, and every request that was refused meanwhile shares it.
   * @returns whether the request may be tried again
   * @throws ResilientMcpError `UNAUTHORIZED` when a person has to act first
   */
  async answer(response: Response): Promise<boolean> {
    const { authProvider } = this.#options;
    if (!authProvider) return false;
    const { resourceMetadataUrl, scope, error } = extractWWWAuthenticateParams(response);
    if (response.status === 403) {
      const challenge = response.headers.get('www-authenticate') ?? '';
      if (error !== 'insufficient_scope' || challenge === this.#lastScopeChallenge) return false;
      this.#lastScopeChallenge = challenge;
    }
    this.#resourceMetadataUrl = resourceMetadataUrl ?? this.#resourceMetadataUrl;
    this.#scope = scope ?? this.#scope;
    this.#underWay ??= this.#authorize(authProvider).finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  /** As `finishAuth` of the SDK's transport: takes the code that the person's browser came back with. */
  async finish(authorizationCode: string): Promise<void> {
    const { authProvider } = this.#options;
    if (!authProvider) throw needsAuthorization('The connection has no authProvider.');
    await this.#authorize(authProvider, authorizationCode);
  }

  /** A request was answered: the next insufficient-scope challenge is a new one. */
  succeeded(): void {
    this.#lastScopeChallenge = undefined;
  }

  async #authorize(provider: OAuthClientProvider, authorizationCode?: string): Promise<boolean> {
    let result: 'AUTHORIZED' | 'REDIRECT';
    try {
      result = await auth(provider, {
        serverUrl: this.#url,
        fetchFn: this.#fetch,
        ...(authorizationCode === undefined ? {} : { authorizationCode }),
        ...(this.#resourceMetadataUrl === undefined
          ? {}
          : { resourceMetadataUrl: this.#resourceMetadataUrl }),
        ...(this.#scope === undefined ? {} : { scope: this.#scope }),
      });
    } catch (error) {
      throw needsAuthorization('The server wants authorization, and none could be had.', error);
    }
    if (result !== 'AUTHORIZED') throw needsAuthorization('The server wants a person to sign in.');
    return true;
  }
}

function needsAuthorization(message: string, cause?: unknown): ResilientMcpError {
  return new ResilientMcpError('UNAUTHORIZED', message, {
    cause,
    status: 401,
    advice: 'Sign in, then connect again.',
  });
}
