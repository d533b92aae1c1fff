import { randomBytes } from 'node:crypto';
import { guard } from '../../endpoint/guard.ts';
import type { AnswerHeaders, HttpAnswer, HttpRequest } from '../../endpoint/http.ts';
import { listener } from '../../endpoint/node/listener.ts';
import { httpRequest, responseOf } from '../../endpoint/web.ts';
import { ResilientMcpError } from '../../protocol/errors.ts';
import { MemoryStore, type RequestContext } from '../../server/index.ts';
import { ClientSessions } from '../clients/client-sessions.ts';
import { Hub } from '../hub.ts';
import type { ManagedServer } from '../managed-server.ts';
import type { ServerDefinition } from '../server-definition.ts';
import { type BoundSocket, listen } from './listen.ts';
import { checkOptions, checkPort, checkToken, GATEWAY_DEFAULTS, type GatewayOptions } from './options.ts';
import { isNonce, PROOF_HEADER, PROOF_PATH, proofOf } from './proof.ts';
import { attachClient, bringsToken, ephemeralClient, newToken } from './token.ts';
import { checkUpstreams, definitionOf, type GatewayUpstreams, invalid } from './upstream.ts';

export interface DrainOptions {
  readonly timeoutMs?: number;
  readonly keepSessions?: boolean;
}

/**
 * The local endpoint of a hub. It listens on 127.0.0.1 and admits clients of this machine that send a token.
 */
export class HubGateway {
  readonly #hub: Hub;
  readonly #options: Required<Pick<GatewayOptions, keyof typeof GATEWAY_DEFAULTS>> &
    Pick<GatewayOptions, 'memory' | 'attachToken' | 'passingToken' | 'proofKey' | 'root'>;
  #token: string;
  #listening: Promise<BoundSocket> | undefined;
  #port: number | undefined;
  #closing: Promise<void> | undefined;

  /** @throws ResilientMcpError `INVALID_CONFIGURATION`, with the key, for an unusable option */
  constructor(hub: Hub, options: Omit<GatewayOptions, 'upstreams'>) {
    checkOptions(options);
    const { token = newToken(), sessionKey, store, ...rest } = options;
    this.#hub = hub;
    this.#token = token;
    this.#options = { ...GATEWAY_DEFAULTS, ...rest };
    const { idleMs, maxSessions, maxBodyBytes, log, clock, memory } = this.#options;
    // The companion's default key is a file in the user's state folder. A gateway leaves no files behind.
    const key = sessionKey ?? randomBytes(32);
    const shared = {
      key: typeof key === 'string' ? key : Buffer.from(key).toString('base64url'),
      // One store for all servers: a server with a changed definition still finds its clients' settings.
      store: store ?? new MemoryStore({ maxLogLength: MAX_KEPT, now: () => clock.monotonic() }),
      idleMs,
      maxSessions,
      maxBodyBytes,
      memory,
      clock,
    };
    hub.serve((server) => {
      const { endpoint } = server.definition;
      return new ClientSessions(server, { ...shared, log: (record) => log({ ...record, server: endpoint }) });
    });
  }

  /** The bearer token of clients (`Authorization: Bearer …`). A credential: do not log it. */
  get token(): string {
    return this.#token;
  }

  /** The names of the servers. */
  get names(): string[] {
    return this.#hub.servers.map(({ definition }) => definition.name);
  }

  /** Number of client sessions held now. */
  get sessions(): number {
    return this.#hub.servers.reduce((sum, { clients }) => sum + (clients?.manager.sessions ?? 0), 0);
  }

  /**
   * Starts listening and returns the port. After `PORT_TAKEN` it may be called again with another port.
   * @param port Default: the option `port`
   * @throws ResilientMcpError `PORT_TAKEN`, `INVALID_CONFIGURATION` for a port unusable for another reason,
   *   `INVALID_STATE` when already started
   */
  async start(port = this.#options.port): Promise<number> {
    checkPort(port);
    if (this.#listening || this.#closing) {
      throw new ResilientMcpError('INVALID_STATE', 'This gateway was started before. Make a new one.');
    }
    const { maxHeaderBytes, maxConnections, requestTimeoutMs, clock } = this.#options;
    this.#listening = listen(listener(this.#answer), {
      port,
      maxHeaderBytes,
      maxConnections,
      requestTimeoutMs,
      clock,
      tokenOf: ({ headers: { authorization } }) => {
        if (!this.#clientOf(authorization)) return 'none';
        return bringsToken(authorization, this.token) ? 'lasting' : 'other';
      },
      onRefused: (reason) => this.#connectionsRefused(reason),
    });
    try {
      this.#port = (await this.#listening).port;
      return this.#port;
    } catch (error) {
      this.#listening = undefined;
      throw error;
    }
  }

  /**
   * Replaces the token. Connections authenticated with the old one are destroyed with the calls on them,
   * because a 401 would claim that such a call did not run. Sessions stay, for clients with the new token;
   * clients through `attach` are unaffected.
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for an unusable token
   */
  changeToken(token: string): void {
    checkToken('token', token);
    this.#token = token;
    void this.#listening?.then(
      (listening) => listening.breakOff(),
      () => {},
    );
  }

  /** The URL of a server's endpoint. @throws ResilientMcpError for an unknown name, and before `start()` */
  urlOf(name: string): string {
    const server = this.#hub.servers.find(({ definition }) => definition.name === name);
    if (!server) throw invalid(`This gateway has no server ${JSON.stringify(name)}.`);
    if (this.#port === undefined) {
      throw new ResilientMcpError('INVALID_STATE', 'The address is known once the gateway was started.');
    }
    return `http://127.0.0.1:${this.#port}${this.#pathOf(server.definition.endpoint)}`;
  }

  /** Answers one HTTP request. Shaped like a `fetch` handler, and bound. Never rejects. */
  readonly handle = async (request: Request, context: RequestContext = {}): Promise<Response> => {
    return responseOf(await this.#answer(httpRequest(request, context), context), context.onSent);
  };

  readonly #answer = async (request: HttpRequest, context: RequestContext): Promise<HttpAnswer> => {
    const url = new URL(request.url);
    const foreign = guard(request, {});
    if (foreign) return refused(foreign.status, foreign.message);
    if (isDiscovery(url)) return refused(404, tokenIsAll);
    const { proofKey } = this.#options;
    if (url.pathname === PROOF_PATH && proofKey !== undefined) return this.#prove(request, proofKey);
    const name = /^\/mcp\/?$/.test(url.pathname) ? this.#options.root : nameIn(url);
    const server = this.#hub.servers.find(({ definition }) => definition.endpoint === name);
    // Checked before the name: server names are not disclosed to clients without a token.
    const client = this.#clientOf(request.headers.get('authorization'));
    if (!client) {
      if (server) this.#noteRefused(server, request.headers);
      return refused(401, wantsToken, challenge);
    }
    if (server?.refused.letIn(request.headers)) this.#tellRefused(server);
    if (this.#closing) return refused(503, 'This gateway is shutting down.');
    if (!server?.clients) return refused(404, this.#unknownPath());
    return server.clients.manager.answer(request, { ...context, ...client });
  };

  /**
   * Shuts down gracefully, as on SIGTERM: calls under way are answered, requests of servers can still be
   * answered, and new requests get 503. Then closes.
   * @param options `timeoutMs`: time for calls to end. Default 30,000. `keepSessions`: see {@link close}
   */
  async drain({ timeoutMs = 30_000, keepSessions = false }: DrainOptions = {}): Promise<void> {
    await this.#hub.drain(timeoutMs, keepSessions);
    await this.close({ keepSessions });
  }

  /**
   * Ends every session on both sides and stops listening. Calls under way are answered with
   * `CONNECTION_CLOSED`. Takes as long as the slowest server needs to end a session, at most its
   * `closeTimeoutMs`, plus half a second.
   * @param options `keepSessions`: sessions stay open at their servers, and a gateway with the same port,
   *   `sessionKey` and `memory` resumes them
   */
  close({ keepSessions = false }: Pick<DrainOptions, 'keepSessions'> = {}): Promise<void> {
    this.#closing ??= this.#close(keepSessions);
    return this.#closing;
  }

  async #close(keepSessions: boolean): Promise<void> {
    await this.#hub.close({ keepSessions });
    // `start()` has already thrown this failure.
    const listening = await this.#listening?.catch(() => undefined);
    await listening?.close();
  }

  /** The client's identity; undefined for a request that is not admitted. */
  #clientOf(authorization: string | null | undefined): Pick<RequestContext, 'authInfo'> | undefined {
    const { withoutToken, attachToken, passingToken } = this.#options;
    const brings = (token: string | undefined) => token !== undefined && bringsToken(authorization, token);
    if (brings(passingToken)) return { authInfo: ephemeralClient };
    if (brings(attachToken)) return { authInfo: attachClient };
    return withoutToken || brings(this.token) ? {} : undefined;
  }

  /** Needs no token: the client sends its token only after this proof. */
  #prove({ method, url }: HttpRequest, key: string): HttpAnswer {
    const nonce = new URL(url).searchParams.get('nonce') ?? '';
    if (method !== 'GET' || !isNonce(nonce) || this.#port === undefined) return refused(400, wantsNonce);
    // For this gateway's own port, never one named by the request: a relay could use such a proof.
    const headers = { [PROOF_HEADER]: proofOf(key, nonce, this.#port), 'cache-control': 'no-store' };
    return { status: 204, headers };
  }

  #connectionsRefused(reason: string): void {
    const record = { level: 'warn', event: 'connectionRefused', reason, action: 'closed' } as const;
    this.#options.log({ ...record, sessions: this.sessions });
  }

  #noteRefused(server: ManagedServer, headers: HttpRequest['headers']): void {
    server.refused.add(headers, this.#options.clock.now());
    this.#tellRefused(server);
  }

  #tellRefused({ definition, refused: { list } }: ManagedServer): void {
    this.#options.onRefused(definition.name, list);
  }

  #pathOf(endpoint: string): string {
    return endpoint === this.#options.root ? '/mcp' : `/${encodeURIComponent(endpoint)}/mcp`;
  }

  #unknownPath(): string {
    const paths = this.#hub.servers.map(({ definition }) => this.#pathOf(definition.endpoint));
    return `This gateway has no server at this path. It has: ${paths.join(', ') || 'none'}`;
  }
}

/**
 * A local endpoint with a stable address, in front of servers that come and go:
 *
 * ```ts
 * const gateway = new Gateway({ upstreams: { notes: { url: 'https://notes.example/mcp' } } });
 * await gateway.start();
 * // any MCP client: gateway.urlOf('notes'), with the header "Authorization: Bearer <gateway.token>"
 * ```
 *
 * Each client session has a separate `ResilientTransport`, so the client keeps its session when the server
 * loses one. Listens on 127.0.0.1 only, for clients of this machine that send the token.
 */
export class Gateway extends HubGateway {
  readonly #hub: Hub;
  #isClosed = false;

  /** @throws ResilientMcpError `INVALID_CONFIGURATION`, with the key, for an unusable option */
  constructor({ upstreams, ...options }: GatewayOptions) {
    checkUpstreams(upstreams);
    const { clock = GATEWAY_DEFAULTS.clock } = options;
    const hub = new Hub({ clock });
    super(hub, options);
    this.#hub = hub;
    hub.apply(definitionsOf(upstreams));
  }

  /**
   * Replaces the set of servers. An unchanged server keeps running, with its sessions; a removed or changed
   * one is ended; a new one is served at once. Resolves when the ended ones are closed.
   * @throws ResilientMcpError `INVALID_CONFIGURATION`, with the key, for an unusable server; then nothing has
   *   changed
   */
  async apply(upstreams: GatewayUpstreams): Promise<void> {
    if (this.#isClosed) throw new ResilientMcpError('CONNECTION_CLOSED', 'This gateway was closed.');
    checkUpstreams(upstreams);
    this.#hub.apply(definitionsOf(upstreams));
    await this.#hub.ended();
  }

  override close(options?: Pick<DrainOptions, 'keepSessions'>): Promise<void> {
    this.#isClosed = true;
    return super.close(options);
  }
}

function definitionsOf(upstreams: GatewayUpstreams): ServerDefinition[] {
  return Object.entries(upstreams).map(([name, upstream]) => definitionOf(name, upstream));
}

/** Limit of all replayable stream messages together, for clients that reconnect, in characters. */
const MAX_KEPT = 16 * 1024 * 1024;

const wantsToken = 'This gateway wants its token, as "Authorization: Bearer <token>".';
const tokenIsAll = 'This gateway has no authorization server. It wants its token, and nothing else.';
const wantsNonce = 'This gateway proves itself to a nonce of 43 characters, as GET /proof?nonce=<nonce>.';
const challenge = { 'www-authenticate': 'Bearer realm="resilient-mcp gateway"' };

/**
 * Whether the request looks for an authorization server (RFC 8414, RFC 9728), before or after a path. On a
 * 401 there some clients start a sign-in that cannot complete.
 */
const isDiscovery = ({ pathname }: URL) => /\/\.well-known(?:\/|$)/.test(pathname);

/** The server that a path names; undefined for a path of another form. */
function nameIn({ pathname }: URL): string | undefined {
  const encoded = /^\/([^/]+)\/mcp\/?$/.exec(pathname)?.[1];
  try {
    return encoded === undefined ? undefined : decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

/** Plain text: the request met no MCP endpoint, and the answer must not look like a lost session. */
function refused(status: number, message: string, headers: AnswerHeaders = {}): HttpAnswer {
  // The unread rest of the body would precede the next request on this connection.
  const always = { 'content-type': 'text/plain; charset=utf-8', connection: 'close' };
  return { status, headers: { ...always, ...headers }, body: `${message}\n` };
}
