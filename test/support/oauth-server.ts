import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { InvalidGrantError, InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import type { OAuthServerProvider } from '@modelcontextprotocol/sdk/server/auth/provider.js';
import { mcpAuthRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import type { OAuthClientInformationFull, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import { freePort } from '../../harness/free-port.ts';
import { until } from '../../harness/until.ts';
import type { HttpReply } from './scripted/reply.ts';
import { jsonReply } from './scripted/reply.ts';
import type { RequestRecord } from './scripted/request.ts';
import type { Rule } from './scripted/script.ts';
import type { ScriptedServer } from './scripted-server.ts';

export interface OAuthServerOptions {
  /** Whether refresh tokens are given. Default true. */
  readonly refreshTokens?: boolean;
  /** Whether a refresh token that comes a second time ends all that came of its sign-in (RFC 9700, 4.14.2). Default false. */
  readonly revokesOnReuse?: boolean;
  /** The scopes that a server's metadata names. Default none. */
  readonly scopes?: readonly string[];
}

interface Grant {
  readonly clientId: string;
  readonly scopes: readonly string[];
}

/** Requests that are taken and not looked at before they are released. */
export interface Held {
  /** Waits until one has come. */
  arrived(): Promise<void>;
  /** Lets the next one through, and holds what comes after it. */
  passNext(): void;
  release(): void;
}

/**
 * A small authorization server: the SDK's own router with everything in memory, on a port of its own. It registers
 * clients, asks nobody anything, checks PKCE, rotates refresh tokens, and can be told to expire, revoke or stop.
 */
export class OAuthServer implements AsyncDisposable {
  /** Scopes of every sign-in page that was visited, in order. */
  readonly signIns: string[][] = [];
  /** How often each grant was asked for at the token endpoint, refused ones included. */
  readonly asked = { authorization_code: 0, refresh_token: 0 };
  /** Every token and code that was ever given out: none of them may be seen anywhere. */
  readonly secrets: string[] = [];
  /** The headers of every request, in order. */
  readonly requests: IncomingHttpHeaders[] = [];
  /** `stuck`: requests are taken and never answered. `busy`: each is answered 503. `no tokens`: those for tokens are. */
  mood: 'well' | 'stuck' | 'busy' | 'no tokens' = 'well';
  /** What of the scopes that were asked for is granted. Default all. */
  grants: (scopes: readonly string[]) => readonly string[] = (scopes) => scopes;
  readonly #clients = new Map<string, OAuthClientInformationFull>();
  readonly #codes = new Map<string, Grant & { readonly challenge: string }>();
  readonly #access = new Map<string, Grant>();
  readonly #refresh = new Map<string, Grant>();
  /** Refresh tokens that were spent. */
  readonly #spent = new Map<string, Grant>();
  readonly #holds = new Map<string, { readonly released: Promise<void>; arrived: number; passing: number }>();
  readonly #options: OAuthServerOptions;
  readonly #port: number;
  readonly #handler: (request: IncomingMessage, response: ServerResponse) => void;
  readonly #listeners = new Set<() => void>();
  #open = 0;
  #server: Server | undefined;

  private constructor(mcpUrl: string, port: number, options: OAuthServerOptions) {
    this.#options = options;
    this.#port = port;
    const app = createMcpExpressApp();
    const unlimited = { rateLimit: false } as const;
    app.use(
      mcpAuthRouter({
        provider: this.#provider(),
        issuerUrl: new URL(this.url),
        resourceServerUrl: new URL(mcpUrl),
        ...(options.scopes ? { scopesSupported: [...options.scopes] } : {}),
        authorizationOptions: unlimited,
        clientRegistrationOptions: unlimited,
        tokenOptions: unlimited,
      }),
    );
    this.#handler = app;
  }

  /** Starts one for the server at `mcpUrl`. */
  static async start(mcpUrl: string, options: OAuthServerOptions = {}): Promise<OAuthServer> {
    const server = new OAuthServer(mcpUrl, await freePort(), options);
    await server.resume();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** Waits until `count` requests in all have come, those before this call included. */
  received(count: number): Promise<void> {
    return this.#until(() => this.requests.length >= count, `request number ${count}`);
  }

  /** Waits until no request is open any more. */
  idle(): Promise<void> {
    return this.#until(() => this.#open === 0, 'the end of every request');
  }

  /** Holds requests to a path, such as `/token`, from now on. */
  hold(path: string): Held {
    const { promise: released, resolve } = Promise.withResolvers<void>();
    const hold = { released, arrived: 0, passing: 0 };
    this.#holds.set(path, hold);
    return {
      arrived: () => this.#until(() => hold.arrived > 0, `a request to ${path}`),
      passNext: () => {
        hold.passing++;
      },
      release: () => {
        if (this.#holds.get(path) === hold) this.#holds.delete(path);
        resolve();
      },
    };
  }

  /** Stops listening; what was given out stays valid. */
  async pause(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  async resume(): Promise<void> {
    this.#server = createServer((request, response) => {
      this.requests.push(request.headers);
      this.#open++;
      response.once('close', () => {
        this.#open--;
        this.#changed();
      });
      const hold = this.#holds.get(request.url ?? '');
      if (hold) hold.arrived++;
      this.#changed();
      const passes = hold === undefined || hold.passing > 0;
      if (hold && passes) hold.passing--;
      if (!passes) void hold.released.then(() => this.#take(request, response));
      else this.#take(request, response);
    }).listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** No access token is good any more. */
  expireAccess(): void {
    this.#access.clear();
  }

  /** No token of either kind is good any more: only a person can help. */
  revokeAll(): void {
    this.#access.clear();
    this.#refresh.clear();
  }

  /** The scopes of the bearer token of a request; undefined when it has none that is good. */
  scopesOf(request: RequestRecord): readonly string[] | undefined {
    const [, token = ''] = request.headers.authorization?.split(' ') ?? [];
    return this.#access.get(token)?.scopes;
  }

  /**
   * Lets nothing through to a scripted server without a good token, or without the scopes that `wants` says a request
   * needs. Later rules are about what is let through.
   */
  protect(server: ScriptedServer, wants: (request: RequestRecord) => readonly string[] = () => []): Rule {
    const lacks = (request: RequestRecord) => {
      const held = this.scopesOf(request);
      return held && wants(request).some((scope) => !held.includes(scope));
    };
    return server.answerAlways(
      (request) => !this.scopesOf(request) || lacks(request) === true,
      (request) =>
        this.scopesOf(request)
          ? this.challenge(403, `error="insufficient_scope", scope="${wants(request).join(' ')}"`)
          : this.challenge(401, 'error="invalid_token"'),
    );
  }

  async close(): Promise<void> {
    await this.pause();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A refusal as a resource server of this authorization server makes it. */
  challenge(status: 401 | 403, words: string): HttpReply {
    const metadata = `${this.url}.well-known/oauth-protected-resource/mcp`;
    const challenge = `Bearer ${words}, resource_metadata="${metadata}"`;
    const body = { error: status === 401 ? 'invalid_token' : 'insufficient_scope' };
    return jsonReply(status, body, { 'www-authenticate': challenge });
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const isForTokens = request.url?.startsWith('/token');
    if (this.mood === 'well' || (this.mood === 'no tokens' && !isForTokens)) this.#handler(request, response);
    else if (this.mood !== 'stuck') response.writeHead(503).end('try later');
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    if (isSo()) return;
    await until<void>(
      (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      isSo,
      { what: `${what} at the authorization server` },
    );
  }

  #provider(): OAuthServerProvider {
    return {
      clientsStore: {
        getClient: (id) => this.#clients.get(id),
        registerClient: (client) => {
          const registered = { client_id: randomUUID(), ...client };
          if (registered.client_secret) this.secrets.push(registered.client_secret);
          this.#clients.set(registered.client_id, registered);
          return registered;
        },
      },
      authorize: async (client, { codeChallenge: challenge, redirectUri, scopes = [], state }, response) => {
        const code = this.#secret();
        this.signIns.push(scopes);
        this.#codes.set(code, { clientId: client.client_id, challenge, scopes: this.grants(scopes) });
        const target = new URL(redirectUri);
        target.searchParams.set('code', code);
        if (state) target.searchParams.set('state', state);
        response.redirect(target.href);
      },
      challengeForAuthorizationCode: async (_client, code) => {
        this.asked.authorization_code++;
        return taken(this.#codes, code, false).challenge;
      },
      exchangeAuthorizationCode: async (_client, code) => this.#tokens(taken(this.#codes, code)),
      exchangeRefreshToken: async (_client, token) => {
        this.asked.refresh_token++;
        if (this.#options.revokesOnReuse && this.#spent.has(token)) this.revokeAll();
        const grant = taken(this.#refresh, token);
        this.#spent.set(token, grant);
        return this.#tokens(grant);
      },
      verifyAccessToken: async (token) => {
        const grant = this.#access.get(token);
        if (!grant) throw new InvalidTokenError('unknown');
        return { token, clientId: grant.clientId, scopes: [...grant.scopes] };
      },
    };
  }

  #tokens({ clientId, scopes }: Grant): OAuthTokens {
    const access_token = this.#secret();
    this.#access.set(access_token, { clientId, scopes });
    const tokens = { access_token, token_type: 'bearer', expires_in: 3600, scope: scopes.join(' ') };
    if (this.#options.refreshTokens === false) return tokens;
    const refresh_token = this.#secret();
    this.#refresh.set(refresh_token, { clientId, scopes });
    return { ...tokens, refresh_token };
  }

  #secret(): string {
    const secret = randomBytes(32).toString('base64url');
    this.secrets.push(secret);
    return secret;
  }
}

function taken<T>(from: Map<string, T>, key: string, once = true): T {
  const value = from.get(key);
  if (value === undefined) throw new InvalidGrantError('not known, or used before');
  if (once) from.delete(key);
  return value;
}
