import { type LogRecord, type RequestContext, SessionManager, type SessionStore } from '../server/index.ts';
import type { Clock } from '../session/environment.ts';
import { type GatewayUpstream, openUpstream } from './options.ts';
import { Relay } from './relay.ts';

/** What the servers of one gateway have in common. */
export interface ServedOptions {
  /** Signs the ids of sessions; the name of the server is part of what is signed. */
  readonly key: string;
  readonly store: SessionStore | undefined;
  readonly idleMs: number;
  readonly maxSessions: number;
  readonly maxBodyBytes: number;
  readonly log: (record: LogRecord) => void;
  readonly clock: Clock | undefined;
}

/** One server as the gateway serves it: the sessions of its clients, and the connections that carry them. */
export class Served {
  readonly upstream: GatewayUpstream;
  readonly #manager: SessionManager;
  readonly #relays = new Set<Relay>();

  /** @throws ResilientMcpError `INVALID_CONFIGURATION` for a limit or a key that cannot be used */
  constructor(name: string, upstream: GatewayUpstream, options: ServedOptions) {
    const { clock, store, ...rest } = options;
    this.upstream = upstream;
    this.#manager = new SessionManager(() => this.#relay(), {
      ...rest,
      // One key signs for all servers of the gateway: a session with one of them is none with another.
      scope: name,
      ...(store && { store }),
      ...(clock && { environment: { clock } }),
    });
  }

  /** How many sessions of clients are held now. */
  get sessions(): number {
    return this.#manager.sessions;
  }

  handle(request: Request, context: RequestContext): Promise<Response> {
    return this.#manager.handle(request, context);
  }

  /** Ends every session on both sides. Calls under way are answered with `CONNECTION_CLOSED`. */
  async close(): Promise<void> {
    const endRelays = () => Promise.all([...this.#relays].map((relay) => relay.close()));
    await endRelays();
    await this.#manager.close();
    // Those that a request on its way in has opened in the meantime.
    await endRelays();
  }

  #relay(): Relay {
    const relay = new Relay(openUpstream(this.upstream));
    this.#relays.add(relay);
    void relay.ended.then(() => this.#relays.delete(relay));
    return relay;
  }
}
