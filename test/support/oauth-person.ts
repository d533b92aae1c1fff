import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';

export interface OAuthPersonOptions {
  /** Credentials that were registered beforehand; without them the client registers itself. */
  readonly registered?: OAuthClientInformationMixed;
  /** Where the authorization server can read who this client is. */
  readonly clientMetadataUrl?: string;
  /** Scopes asked for where neither the server nor its metadata names any. */
  readonly scope?: string;
}

/** Nobody listens here: the browser of this person reads the code from the redirect and does not follow it. */
const REDIRECT_URL = 'http://127.0.0.1:1/callback';

/**
 * The SDK's `OAuthClientProvider`, kept in memory, and a person with a browser. The connection only asks for a sign-in;
 * the person acts when the test calls {@link signIn}.
 */
export class OAuthPerson implements OAuthClientProvider {
  readonly redirectUrl = REDIRECT_URL;
  readonly clientMetadata: OAuthClientMetadata;
  readonly clientMetadataUrl?: string;
  /** Pages that the connection wanted the person to visit, in order. */
  readonly sentTo: URL[] = [];
  #client: OAuthClientInformationMixed | undefined;
  #tokens: OAuthTokens | undefined;
  #verifier: string | undefined;
  #page: URL | undefined;

  constructor(options: OAuthPersonOptions = {}) {
    this.#client = options.registered;
    if (options.clientMetadataUrl !== undefined) this.clientMetadataUrl = options.clientMetadataUrl;
    this.clientMetadata = {
      client_name: 'resilient-mcp tests',
      redirect_uris: [REDIRECT_URL],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      ...(options.scope === undefined ? {} : { scope: options.scope }),
    };
  }

  /** Whether the person has been asked to sign in and has not done so yet. */
  get isAsked(): boolean {
    return this.#page !== undefined;
  }

  /**
   * Visits the page, agrees, and brings back the code for `finishAuth`.
   * @throws Error when nobody asked for a sign-in, or the page gives no code
   */
  async signIn(): Promise<string> {
    const page = this.#page;
    this.#page = undefined;
    if (!page) throw new Error('nobody asked for a sign-in');
    const response = await fetch(page, { redirect: 'manual' });
    await response.body?.cancel();
    const location = response.headers.get('location') ?? '';
    const code = URL.canParse(location) ? new URL(location).searchParams.get('code') : null;
    if (code === null) throw new Error(`the sign-in page answered ${response.status} and gave no code`);
    return code;
  }

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.#client;
  }

  saveClientInformation(client: OAuthClientInformationMixed): void {
    this.#client = client;
  }

  tokens(): OAuthTokens | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: OAuthTokens): void {
    this.#tokens = tokens;
  }

  redirectToAuthorization(page: URL): void {
    this.sentTo.push(page);
    this.#page = page;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    if (this.#verifier === undefined) throw new Error('no sign-in was begun');
    return this.#verifier;
  }

  invalidateCredentials(what: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): void {
    if (what === 'all' || what === 'client') this.#client = undefined;
    if (what === 'all' || what === 'tokens') this.#tokens = undefined;
    if (what === 'all' || what === 'verifier') this.#verifier = undefined;
  }
}
