import { ResilientMcpError } from '../protocol/errors.ts';
import { guard } from '../server/guard.ts';
import { nodeListener, type RequestContext, SessionManager } from '../server/index.ts';
import { systemClock } from '../session/environment.ts';
import { bringsToken, newToken } from './bearer.ts';
import { type Listening, listen } from './listen.ts';
import {
  checkOptions,
  connectionTo,
  GATEWAY_DEFAULTS,
  type GatewayOptions,
  type GatewayUpstream,
  invalid,
} from './options.ts';
import { Relay } from './relay.ts';

/**
 * A local endpoint that never changes, in front of servers that come and go:
 *
 * ```ts
 * const gateway = new Gateway({ upstreams: { notes: { url: 'https://notes.example/mcp' } } });
 * await gateway.start();
 * // any MCP client: gateway.urlOf('notes'), with the header "Authorization: Bearer <gateway.token>"
 * ```
 *
 * Each session of a client is carried by a `ResilientTransport` of its own, so the client keeps its session when the
 * server loses one. Listens on 127.0.0.1 only, to clients of this machine that bring the token.
 */
export class Gateway {
  /** What clients send as `Authorization: Bearer …`. A credential: do not log it. */
  readonly token: string;
  readonly #options: Required<Pick<GatewayOptions, keyof typeof GATEWAY_DEFAULTS>> &
    Pick<GatewayOptions, 'clock'>;
  readonly #managers: ReadonlyMap<string, SessionManager>;
  readonly #relays = new Set<Relay>();
  #listening: Promise<Listening> | undefined;
  #port: number | undefined;
  #closing: Promise<void> | undefined;

  /** @throws ResilientMcpError `INVALID_CONFIGURATION`, with the key, for an option that cannot be used */
  constructor(options: GatewayOptions) {
    checkOptions(options);
    const { upstreams, token = newToken(), ...rest } = options;
    this.token = token;
    this.#options = { ...GATEWAY_DEFAULTS, ...rest };
    const managers = Object.entries(upstreams).map(([name, upstream]) => {
      // Made and thrown away: a url that cannot be used is to be found now, and not by the first client.
      connectionTo(upstream);
      return [name, this.#managerOf(name, upstream)] as const;
    });
    this.#managers = new Map(managers);
  }

  /** The names of the servers. */
  get names(): string[] {
    return [...this.#managers.keys()];
  }

  /** How many sessions of clients are held now. */
  get sessions(): number {
    return [...this.#managers.values()].reduce((sum, { sessions }) => sum + sessions, 0);
  }

  /**
   * Listens, and yields the port.
   * @throws ResilientMcpError `INVALID_CONFIGURATION` when the port is taken, `INVALID_STATE` when it was started before
   */
  async start(): Promise<number> {
    if (this.#listening || this.#closing) {
      throw new ResilientMcpError('INVALID_STATE', 'This gateway was started before. Make a new one.');
    }
    const { port, maxHeaderBytes, clock = systemClock } = this.#options;
    this.#listening = listen(nodeListener(this), { port, maxHeaderBytes, clock });
    this.#port = (await this.#listening).port;
    return this.#port;
  }

  /** The address of a server's endpoint. @throws ResilientMcpError for an unknown name, and before `start()` */
  urlOf(name: string): string {
    if (!this.#managers.has(name)) throw invalid(`This gateway has no server ${JSON.stringify(name)}.`);
    if (this.#port === undefined) {
      throw new ResilientMcpError('INVALID_STATE', 'The address is known once the gateway was started.');
    }
    return `http://127.0.0.1:${this.#port}/${encodeURIComponent(name)}/mcp`;
  }

  /** Answers one HTTP request. Shaped like a `fetch` handler, and bound. Never rejects. */
  readonly handle = async (request: Request, context: RequestContext = {}): Promise<Response> => {
    const url = new URL(request.url);
    const foreign = guard(request.headers, url, {});
    if (foreign) return refused(foreign.status, foreign.message);
    // Before the name: what servers there are is nobody's business who has no token.
    if (!bringsToken(request.headers, this.token)) return refused(401, wantsToken, challenge);
    if (this.#closing) return refused(503, 'This gateway is shutting down.');
    const manager = this.#managers.get(nameIn(url) ?? '');
    return manager ? manager.handle(request, context) : refused(404, this.#unknownPath());
  };

  /**
   * Ends every session on both sides and stops listening. Calls under way are answered with `CONNECTION_CLOSED`. Takes
   * as long as the slowest server needs for the end of a session, at most its `closeTimeoutMs`, and half a second.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const endRelays = () => Promise.all([...this.#relays].map((relay) => relay.close()));
    await endRelays();
    await Promise.all([...this.#managers.values()].map((manager) => manager.close()));
    // Those that a request on its way in has opened in the meantime.
    await endRelays();
    // A start that failed has thrown already.
    const listening = await this.#listening?.catch(() => undefined);
    await listening?.close();
  }

  #managerOf(name: string, upstream: GatewayUpstream): SessionManager {
    const { idleMs, maxSessions, maxBodyBytes, log, clock } = this.#options;
    const factory = () => {
      const relay = new Relay(connectionTo(upstream));
      this.#relays.add(relay);
      void relay.ended.then(() => this.#relays.delete(relay));
      return relay;
    };
    return new SessionManager(factory, {
      idleMs,
      maxSessions,
      maxBodyBytes,
      log: (record) => log({ ...record, server: name }),
      ...(clock && { environment: { clock } }),
    });
  }

  #unknownPath(): string {
    const paths = this.names.map((name) => `/${encodeURIComponent(name)}/mcp`);
    return `This gateway has no server at this path. It has: ${paths.join(', ') || 'none'}`;
  }
}

const wantsToken = 'This gateway wants its token, as "Authorization: Bearer <token>".';
const challenge = { 'www-authenticate': 'Bearer realm="resilient-mcp gateway"' };

/** The server that a path names; undefined for a path of another form. */
function nameIn({ pathname }: URL): string | undefined {
  const encoded = /^\/([^/]+)\/mcp$/.exec(pathname)?.[1];
  try {
    return encoded === undefined ? undefined : decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

/** In plain text: what is refused here has met no MCP endpoint, and nobody is to take it for a lost session. */
function refused(status: number, message: string, headers: Record<string, string> = {}): Response {
  // What is left of the request's body would stand in front of the next request on the same connection.
  const always = { 'content-type': 'text/plain; charset=utf-8', connection: 'close' };
  return new Response(`${message}\n`, { status, headers: { ...always, ...headers } });
}
