import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ResilientMcpError } from '../protocol/errors.ts';
import {
  nodeListener,
  type RequestContext,
  SessionManager,
  type SessionManagerOptions,
} from '../server/index.ts';
import { ResilientTransport, type ResilientTransportOptions } from '../session/index.ts';
import { Relay } from './relay.ts';

/** A server behind the gateway: where it is, and how its connections are made. */
export interface GatewayServer extends ResilientTransportOptions {
  readonly url: string | URL;
}

export interface GatewayOptions
  extends Pick<SessionManagerOptions, 'idleMs' | 'maxSessions' | 'maxBodyBytes' | 'log'> {
  /** The servers by name. A name is a part of the path, and of letters, digits, `.`, `_` and `-`. */
  readonly servers: Readonly<Record<string, GatewayServer>>;
  /**
   * What clients have to send as `Authorization: Bearer …`. Without it every program on this machine can use the
   * servers, with the credentials that the gateway has for them. Default: none.
   */
  readonly token?: string;
}

/**
 * A local endpoint that never changes, in front of servers that come and go. Any MCP client connects to
 * `/<name>/mcp`; each of its sessions is carried by a {@link ResilientTransport} of its own, so that the client keeps
 * its session when the server loses one.
 */
export class Gateway {
  readonly #managers: ReadonlyMap<string, SessionManager>;
  readonly #expected: Buffer | undefined;
  #listening: Server | undefined;

  /** Throws `INVALID_CONFIGURATION` for a name, a url or a limit that cannot be used. */
  constructor({ servers, token, ...limits }: GatewayOptions) {
    const names = Object.keys(servers);
    for (const name of names) {
      if (/^[\w.-]{1,64}$/.test(name)) continue;
      throw new ResilientMcpError(
        'INVALID_CONFIGURATION',
        `${JSON.stringify(name)} cannot be a part of a path.`,
      );
    }
    this.#expected = token === undefined ? undefined : Buffer.from(`Bearer ${token}`);
    this.#managers = new Map(names.map((name) => [name, managerOf(servers[name] as GatewayServer, limits)]));
  }

  /** Answers one HTTP request. Shaped like a `fetch` handler, and bound. Never rejects. */
  readonly handle = async (request: Request, context?: RequestContext): Promise<Response> => {
    const name = /^\/([^/]+)\/mcp$/.exec(new URL(request.url).pathname)?.[1];
    const manager = this.#managers.get(name ?? '');
    if (!this.#isAuthorized(request)) return refused(401, 'This gateway wants its bearer token.');
    return manager
      ? manager.handle(request, context)
      : refused(404, 'This gateway has no server at this path.');
  };

  /** Listens on 127.0.0.1. `port` 0, the default, takes a free one. Resolves to the port. */
  async listen(port = 0): Promise<number> {
    if (this.#listening) throw new ResilientMcpError('INVALID_STATE', 'This gateway listens already.');
    this.#listening = createServer(nodeListener(this));
    await once(this.#listening.listen(port, '127.0.0.1'), 'listening');
    return (this.#listening.address() as AddressInfo).port;
  }

  /** Ends all sessions on both sides and stops listening. */
  async close(): Promise<void> {
    await Promise.all([...this.#managers.values()].map((manager) => manager.close()));
    this.#listening?.close();
    this.#listening?.closeAllConnections();
    this.#listening = undefined;
  }

  #isAuthorized(request: Request): boolean {
    if (!this.#expected) return true;
    const given = Buffer.from(request.headers.get('authorization') ?? '');
    return given.length === this.#expected.length && timingSafeEqual(given, this.#expected);
  }
}

function managerOf({ url, ...options }: GatewayServer, limits: SessionManagerOptions): SessionManager {
  // Made once and thrown away: an unusable url is found when the gateway is made, not when its first client comes.
  new ResilientTransport(url, options);
  return new SessionManager(() => new Relay(new ResilientTransport(url, options)), limits);
}

/** Not JSON-RPC: what is refused here is no MCP endpoint, and no session of one is lost. */
function refused(status: number, message: string): Response {
  const headers = { 'content-type': 'text/plain', ...(status === 401 && { 'www-authenticate': 'Bearer' }) };
  return new Response(`${message}\n`, { status, headers });
}
