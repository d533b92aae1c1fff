import { type Clock, sleep } from '../../base/environment.ts';
import type { HealingTransport } from '../../client/healing-transport.ts';
import type { ResumableSession } from '../../client/index.ts';
import type { Subscription } from '../../client/observe/journal.ts';
import type { ConnectionSnapshot } from '../../client/observe/snapshot.ts';
import { StreamableHttp } from '../../endpoint/session/streamable-http.ts';
import { describeError } from '../../protocol/errors.ts';
import { isSetting } from '../../protocol/session-settings.ts';
import {
  type LogRecord,
  SessionManager,
  type SessionRequest,
  type SessionStore,
} from '../../server/index.ts';
import { ephemeralClient } from '../gateway/token.ts';
import type { OpenHow, RelayUpstream, ServerDefinition, UpstreamConnection } from '../server-definition.ts';
import { SharedSession } from '../shared/shared-session.ts';
import { ClientSession, type RestoredClient } from './client-session.ts';
import type { OnCounted } from './passing-lists.ts';
import { type GatewayMemory, SessionMemory } from './session-memory.ts';

/** Time for the final answers of calls that outlasted a drain, in ms. */
const LAST_WORDS_MS = 5000;

/** Key in place of a client session id when all clients share one session. */
const ALL_CLIENTS = 'shared';

/** Options common to the client sessions of all servers of one gateway. */
export interface ClientSessionsOptions {
  /** Signs session ids. The server's name is part of the signed data. */
  readonly key: string;
  readonly store: SessionStore;
  readonly memory: GatewayMemory | undefined;
  readonly idleMs: number;
  readonly maxSessions: number;
  readonly maxBodyBytes: number;
  readonly log: (record: LogRecord) => void;
  readonly clock: Clock;
}

/** The part of a server that its client sessions need. A `ManagedServer` implements it. */
export interface SessionsServer {
  readonly definition: ServerDefinition;
  /** Resolves when a connection for a client may be opened. Never rejects. */
  madeRoom(): Promise<void>;
  /** A connection for a client, not started. */
  connect(how: OpenHow): UpstreamConnection;
  /** Called when a client has read a list to its end. */
  counted: OnCounted;
}

/** Creates the client sessions of one server. */
export type NewClientSessions = (server: SessionsServer) => ClientSessions;

/** The client sessions of one server at the gateway, and the memory of the server sessions behind them. */
export class ClientSessions {
  /** Answers the clients' requests. */
  readonly manager: SessionManager;
  readonly #server: SessionsServer;
  readonly #clock: Clock;
  readonly #memory: SessionMemory | undefined;
  readonly #shared: SharedSession | undefined;
  readonly #open = new Set<ClientSession>();
  #keepsSessions = false;

  /** @throws ResilientMcpError `INVALID_CONFIGURATION` for a limit or a key that cannot be used */
  constructor(server: SessionsServer, options: ClientSessionsOptions) {
    const { clock, memory, log, idleMs, ...rest } = options;
    const { endpoint, shared } = server.definition;
    const onFailure = (error: unknown) => log(this.#forgetful(error));
    const remembering = { server: endpoint, clock, maxAgeMs: idleMs, onFailure };
    this.#server = server;
    this.#clock = clock;
    this.#memory = memory && new SessionMemory({ ...remembering, memory });
    if (shared) this.#shared = new SharedSession(() => this.#forAll());
    const managed = {
      ...rest,
      log,
      idleMs,
      // One key signs for all servers of the gateway; the scope makes a session valid at one server only.
      scope: endpoint,
      resumableStreams: true,
      environment: { clock },
    };
    this.manager = new SessionManager((session) => this.#begin(session), managed, {
      newTransport: (parts) => new StreamableHttp(parts),
      isGuarded: true,
    });
  }

  /**
   * Lets calls under way end, refuses new requests with 503, and ends every downstream session. A call that
   * outlasts the limit is answered with `CONNECTION_CLOSED`; the manager alone would only cut its stream.
   * @param keepSessions whether sessions from here on are remembered for a later gateway
   */
  async drain(timeoutMs: number, keepSessions: boolean): Promise<void> {
    this.#keepsSessions ||= keepSessions;
    const drained = new AbortController();
    void sleep(this.#clock, timeoutMs, drained.signal).then(() => {
      if (!drained.signal.aborted) void this.#endAll();
    });
    await this.manager.drain({ timeoutMs: timeoutMs + LAST_WORDS_MS });
    drained.abort();
  }

  /**
   * Ends every session on both sides. Calls under way are answered with `CONNECTION_CLOSED`. Resolves when
   * the memory is written.
   * @param keepSessions whether the server's sessions stay open, for a later gateway to resume
   */
  async close(keepSessions: boolean): Promise<void> {
    this.#keepsSessions ||= keepSessions;
    await this.#endAll();
    await this.manager.close();
    // Includes sessions opened by requests that arrived in the meantime.
    await this.#endAll();
    await this.#shared?.close(this.#keepsSessions);
    if (this.#shared && !this.#keepsSessions) await this.#memory?.keep(ALL_CLIENTS, undefined);
    await this.#memory?.written();
  }

  async #endAll(): Promise<void> {
    await Promise.all([...this.#open].map((session) => session.close()));
  }

  async #begin(request: SessionRequest): Promise<ClientSession> {
    const session = await this.#sessionFor(request);
    this.#open.add(session);
    void session.ended.then(() => {
      this.#open.delete(session);
      if (!this.#keepsSessions && !this.#shared) void this.#memory?.keep(request.sessionId, undefined);
    });
    return session;
  }

  /** The upstream for one client's session. */
  async #sessionFor({
    sessionId,
    reason,
    context,
    handshake,
    settings,
  }: SessionRequest): Promise<ClientSession> {
    const isNew = reason === 'new';
    const restored = (whenReady: RestoredClient['whenReady']) =>
      isNew ? undefined : { handshake, settings, whenReady };
    if (this.#shared) {
      const { opened } = this.#shared;
      return this.#carriedBy(
        this.#shared.client(),
        restored(() => opened),
      );
    }
    await this.#server.madeRoom();
    const isEphemeral = context.authInfo === ephemeralClient;
    const connection = isEphemeral ? this.#connect(isNew) : await this.#forOne(sessionId, isNew);
    return this.#carriedBy(
      connection,
      restored(() => untilReady(connection)),
      isEphemeral,
    );
  }

  /**
   * @param isEphemeral for a client that ends with the gateway: its session cannot be resumed, so it is not
   *   kept
   */
  #carriedBy(
    upstream: RelayUpstream,
    restored: RestoredClient | undefined,
    isEphemeral = false,
  ): ClientSession {
    return new ClientSession(upstream, {
      restored,
      keepsSession: () => this.#keepsSessions && !isEphemeral,
      onCounted: (list, count) => this.#server.counted(list, count),
    });
  }

  /**
   * Retries until closed for a client that already has its session; otherwise only as long as a client waits.
   */
  #connect(isNew: boolean, resume?: ResumableSession): UpstreamConnection {
    const { connectPatienceMs } = this.#server.definition;
    return this.#server.connect({
      connectPatienceMs: isNew ? connectPatienceMs : Number.POSITIVE_INFINITY,
      takeOver: !isNew,
      resume,
    });
  }

  async #forOne(sessionId: string, isNew: boolean): Promise<UpstreamConnection> {
    const resume = isNew ? undefined : await this.#memory?.recall(sessionId);
    return this.#remembered(sessionId, this.#connect(isNew, resume));
  }

  /** The one connection for all clients. It may resume the session of an earlier gateway. */
  async #forAll(): Promise<UpstreamConnection> {
    const resume = await this.#memory?.recall(ALL_CLIENTS);
    await this.#server.madeRoom();
    const { connectPatienceMs } = this.#server.definition;
    const how = { connectPatienceMs, takeOver: resume !== undefined, resume };
    return this.#remembered(ALL_CLIENTS, this.#server.connect(how));
  }

  /** Keeps the remembered session current: it may be replaced, and some answers change its data. */
  #remembered(sessionId: string, connection: UpstreamConnection): UpstreamConnection {
    const memory = this.#memory;
    if (!memory) return connection;
    let kept: string | undefined;
    const watching: Subscription = connection.journal.subscribe((fact) => {
      const changes = fact.kind === 'requestAnswered' && isRemembered(fact.method);
      const { resumable } = connection;
      if (fact.kind === 'connectionClosed') watching.dispose();
      if (!resumable || (resumable.sessionId === kept && !changes)) return;
      kept = resumable.sessionId;
      void memory.keep(sessionId, resumable);
    });
    return connection;
  }

  #forgetful(error: unknown): LogRecord {
    const reason = `sessions of the server cannot be remembered: ${describeError(error)}`;
    const { sessions } = this.manager;
    return { level: 'warn', event: 'degraded', reason, action: 'went on without', sessions };
  }
}

/**
 * Whether the answer to this method changes the remembered session. Tool hints decide which calls may be
 * repeated.
 */
function isRemembered(method: string): boolean {
  return isSetting(method) || method === 'tools/list';
}

/** Resolves when the connection holds a proven session. */
function untilReady(connection: Pick<HealingTransport, 'snapshot' | 'onDidChange'>): Promise<void> {
  return new Promise((resolve) => {
    const look = ({ status }: ConnectionSnapshot) => {
      if (status === 'ready' || status === 'closed') watching.dispose();
      if (status === 'ready') resolve();
    };
    const watching = connection.onDidChange(look);
    look(connection.snapshot());
  });
}
