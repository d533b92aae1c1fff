import { type Clock, sleep } from '../../base/environment.ts';
import type { HttpAnswer, HttpRequest } from '../../endpoint/http.ts';
import { StreamableHttp } from '../../endpoint/session/streamable-http.ts';
import { describeError } from '../../protocol/errors.ts';
import {
  type LogRecord,
  type RequestContext,
  SessionManager,
  type SessionRequest,
  type SessionStore,
} from '../../server/index.ts';
import { Connections } from './connections.ts';
import type { GatewayMemory } from './options.ts';
import type { Relay } from './relay.ts';
import { SessionMemory } from './session-memory.ts';
import type { GatewayUpstream } from './upstream.ts';

/** How long the answers may take that calls get which outlasted a drain, in ms. */
const LAST_WORDS_MS = 5000;

/** What the servers of one gateway have in common. */
export interface ServedOptions {
  /** Signs the ids of sessions; the name of the server is part of what is signed. */
  readonly key: string;
  readonly store: SessionStore;
  readonly memory: GatewayMemory | undefined;
  readonly idleMs: number;
  readonly maxSessions: number;
  readonly maxBodyBytes: number;
  readonly log: (record: LogRecord) => void;
  readonly clock: Clock;
}

/** One server as the gateway serves it: the sessions of its clients, and the connections that carry them. */
export class Served {
  readonly upstream: GatewayUpstream;
  readonly #manager: SessionManager;
  readonly #connections: Connections;
  readonly #relays = new Set<Relay>();
  readonly #clock: Clock;

  /** @throws ResilientMcpError `INVALID_CONFIGURATION` for a limit or a key that cannot be used */
  constructor(name: string, upstream: GatewayUpstream, options: ServedOptions) {
    const { clock, memory, log, idleMs, ...rest } = options;
    const onFailure = (error: unknown) => log(this.#forgetful(error));
    const remembering = { server: name, clock, maxAgeMs: idleMs, onFailure };
    this.upstream = upstream;
    this.#clock = clock;
    this.#connections = new Connections(upstream, memory && new SessionMemory({ ...remembering, memory }));
    const managed = {
      ...rest,
      log,
      idleMs,
      // One key signs for all servers of the gateway: a session with one of them is none with another.
      scope: name,
      resumableStreams: true,
      environment: { clock },
    };
    this.#manager = new SessionManager((session) => this.#relay(session), managed, {
      newTransport: (parts) => new StreamableHttp(parts),
      isGuarded: true,
    });
  }

  /** How many sessions of clients are held now. */
  get sessions(): number {
    return this.#manager.sessions;
  }

  answer(request: HttpRequest, context: RequestContext): Promise<HttpAnswer> {
    return this.#manager.answer(request, context);
  }

  /**
   * Lets calls under way end, refuses what is new with 503, and ends every session downstream. A call that takes longer
   * is answered with `CONNECTION_CLOSED`: the manager by itself would only break its stream off.
   */
  async drain(timeoutMs: number, keepSessions: boolean): Promise<void> {
    if (keepSessions) this.#connections.keepSessions();
    const drained = new AbortController();
    void sleep(this.#clock, timeoutMs, drained.signal).then(() => {
      if (!drained.signal.aborted) void this.#endRelays();
    });
    await this.#manager.drain({ timeoutMs: timeoutMs + LAST_WORDS_MS });
    drained.abort();
  }

  /**
   * Ends every session on both sides. Calls under way are answered with `CONNECTION_CLOSED`.
   * @param keepSessions whether the sessions of the server are left as they are, for a later gateway to go on with
   */
  async close(keepSessions: boolean): Promise<void> {
    if (keepSessions) this.#connections.keepSessions();
    await this.#endRelays();
    await this.#manager.close();
    // Those that a request on its way in has opened in the meantime.
    await this.#endRelays();
    await this.#connections.close();
  }

  async #endRelays(): Promise<void> {
    await Promise.all([...this.#relays].map((relay) => relay.close()));
  }

  async #relay(session: SessionRequest): Promise<Relay> {
    const relay = await this.#connections.relay(session);
    this.#relays.add(relay);
    void relay.ended.then(() => {
      this.#relays.delete(relay);
      this.#connections.ended(session.sessionId);
    });
    return relay;
  }

  #forgetful(error: unknown): LogRecord {
    const reason = `sessions of the server cannot be remembered: ${describeError(error)}`;
    return { level: 'warn', event: 'degraded', reason, action: 'went on without', sessions: this.sessions };
  }
}
