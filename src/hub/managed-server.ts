import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { Clock } from '../base/environment.ts';
import type { Fault, FaultKind } from '../client/fault.ts';
import type { HealingTransport } from '../client/healing-transport.ts';
import { Histogram } from '../client/observe/metrics.ts';
import type { ConnectionSnapshot } from '../client/observe/snapshot.ts';
import { pausedError } from '../client/session/gate.ts';
import { ResilientMcpError } from '../protocol/errors.ts';
import type { ClientSessions, NewClientSessions } from './clients/client-sessions.ts';
import { RefusedClients } from './clients/refused-clients.ts';
import { Connections } from './connections.ts';
import type { HubFact } from './facts.ts';
import type { CallOptions, NewOwnClient, OwnClient } from './own-client.ts';
import type { OpenHow, ServerDefinition, UpstreamConnection } from './server-definition.ts';
import { type ListKind, notStarted, type ServerSnapshot, worstOf } from './snapshot.ts';

/** Parts common to the servers of one hub. */
export interface ManagedServerParts {
  readonly clock: Clock;
  /** Called when {@link ManagedServer.snapshot} has changed. */
  readonly onChange: () => void;
  readonly onFact: (fact: HubFact) => void;
  /** Creates the hub's own client. Without it, only clients connect. */
  readonly newOwnClient: NewOwnClient | undefined;
  /** Whether the server starts paused. */
  readonly isPaused: boolean;
  /** Settles when the previous server of this name has ended: some servers allow only one session. */
  readonly isFree: Promise<void>;
}

/**
 * One configured server: clients' connections, the hub's own client while no client is connected, client
 * sessions at the gateway, and the snapshot for displays.
 */
export class ManagedServer {
  readonly definition: ServerDefinition;
  /** Clients refused at the server's gateway address. */
  readonly refused: RefusedClients;
  readonly #parts: ManagedServerParts;
  readonly #createdAt: number;
  readonly #connections: Connections;
  readonly #own: OwnClient | undefined;
  readonly #counts: Record<ListKind, number | undefined> = {
    tools: undefined,
    resources: undefined,
    prompts: undefined,
  };
  readonly #latency = new Histogram();
  #clients: ClientSessions | undefined;
  /** Time of the pause; undefined while not paused. */
  #pausedAt: number | undefined;
  #isClosed = false;

  constructor(definition: ServerDefinition, parts: ManagedServerParts) {
    const { clock, onChange, newOwnClient } = parts;
    this.definition = definition;
    this.#parts = parts;
    this.#createdAt = clock.now();
    if (parts.isPaused) this.#pausedAt = this.#createdAt;
    this.refused = new RefusedClients(onChange);
    this.#connections = new Connections({
      onChange: () => this.#connectionsChanged(),
      onEntry: (client, { seq: _, at, ...fact }) => this.#tell(fact, at, client),
    });
    this.#own = newOwnClient?.({
      name: definition.name,
      clock,
      isFree: parts.isFree,
      open: () => definition.open(),
      onChange: () => this.#ownChanged(),
      onFact: (fact, at) => this.#tell(fact, at),
      onCounted: (list, count) => this.counted(list, count),
    });
    if (parts.isPaused) this.#own?.pause();
    else this.#connectWhereNobodyIs();
  }

  /** Client sessions at the gateway; undefined while the gateway does not serve this server. */
  get clients(): ClientSessions | undefined {
    return this.#clients;
  }

  /** Admits clients from now on. */
  serve(newSessions: NewClientSessions): void {
    if (!this.#isClosed) this.#clients = newSessions(this);
  }

  /** Resolves when a client's connection may be opened, after the hub's own made room. Never rejects. */
  async madeRoom(): Promise<void> {
    await this.#parts.isFree;
    await this.#makeRoom();
  }

  /** A connection for a client, not started. Part of the snapshot until its owner closes it. */
  connect(how?: Partial<OpenHow>): UpstreamConnection {
    if (this.#isClosed) throw this.#closedError();
    const connection = this.definition.open(how);
    this.#connections.track(connection);
    if (this.#pausedAt !== undefined) connection.pause();
    return connection;
  }

  /** Records the length of a list. @param client the client that read it; undefined for the hub's own */
  counted(list: ListKind, count: number): void {
    if (this.#counts[list] === count) return;
    this.#counts[list] = count;
    this.#parts.onChange();
  }

  /**
   * Ends the sessions, and sends nothing until {@link resume}. Client sessions stay open and report the
   * pause.
   */
  pause(): void {
    if (this.#pausedAt !== undefined || this.#isClosed) return;
    this.#pausedAt = this.#parts.clock.now();
    this.#own?.pause();
    for (const transport of this.#connections.transports) transport.pause();
    this.#parts.onChange();
  }

  /** Opens new sessions for clients that had one. */
  resume(): void {
    if (this.#pausedAt === undefined || this.#isClosed) return;
    this.#pausedAt = undefined;
    for (const transport of this.#connections.transports) transport.resume();
    this.#own?.resume();
    this.#connectWhereNobodyIs();
    this.#parts.onChange();
  }

  snapshot(): ServerSnapshot {
    const { name, type, target } = this.definition;
    const clients = this.#connections.snapshots();
    const own = this.#own?.connection;
    const connection = own ?? worstOf(clients.map((each) => each.connection)) ?? notStarted(this.#createdAt);
    return {
      name,
      type,
      target,
      connection: this.#pausedAt === undefined ? connection : paused(connection, this.#pausedAt),
      isOwn: own !== undefined || clients.length === 0,
      onDemand: this.#isOnDemand,
      paused: this.#pausedAt !== undefined,
      clients,
      ...this.#counts,
      refused: this.refused.list,
      latency: this.#latency.summary(),
    };
  }

  /**
   * Calls a tool over the hub's own connection, and opens it if there is none.
   * @throws as {@link OwnClient.callTool}
   */
  async callTool(tool: string, args: Record<string, unknown>, options: CallOptions): Promise<CallToolResult> {
    if (!this.#own) throw new ResilientMcpError('INVALID_STATE', 'This hub has no client of its own.');
    return this.#own.callTool(tool, args, options);
  }

  /**
   * Opens a new session on each connection, clients' included.
   *
   * @returns the hub's own connection, or a client's when the hub has none; undefined without connections
   * @throws ResilientMcpError when no new session could be opened; attempts continue
   */
  async reset(): Promise<ConnectionSnapshot | undefined> {
    if (this.#isClosed) throw this.#closedError();
    if (this.#pausedAt !== undefined) throw pausedError();
    const isWanted = this.#own?.transport !== undefined || this.#isForOwn;
    // Both are tried, whatever the result of the other.
    const [mine, theirs] = await Promise.allSettled([
      isWanted ? this.#own?.reset() : undefined,
      this.#connections.reset(),
    ]);
    if (mine.status === 'rejected') throw mine.reason;
    if (theirs.status === 'rejected') throw theirs.reason;
    return mine.value ?? theirs.value[0];
  }

  /** The faults that at least one connection can simulate now. */
  get faults(): readonly FaultKind[] {
    return [...new Set(this.#transports.flatMap((transport) => transport.faults))];
  }

  /**
   * Simulates a fault on every connection that can have it, and pings each at once, so that the effect does
   * not wait for a call.
   * @throws ResilientMcpError `INVALID_STATE` when no connection can have it
   */
  simulate(fault: Fault): void {
    const struck = this.#transports.filter(({ faults }) => faults.includes(fault.kind));
    if (struck.length === 0) throw nothingToStrike(this.definition.name);
    for (const transport of struck) {
      transport.simulate(fault);
      void transport.check();
    }
  }

  /**
   * Lets clients' calls end, refuses new ones, and ends client sessions. Never rejects.
   * @param keepSessions whether the server's sessions stay open, for a later hub to resume
   */
  async drain(timeoutMs: number, keepSessions: boolean): Promise<void> {
    await this.#clients?.drain(timeoutMs, keepSessions);
  }

  /**
   * Ends client sessions and their connections, then the hub's own. Never rejects; bounded by the limits of
   * the connections.
   */
  async close(keepSessions = false): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#closeClients(keepSessions), this.#own?.close()]);
    // Opened by other callers; they end with the server.
    await Promise.allSettled(this.#connections.transports.map((transport) => transport.close()));
  }

  async #closeClients(keepSessions: boolean): Promise<void> {
    // The successor must not start before the predecessor's session has ended either.
    await Promise.allSettled([this.#parts.isFree, this.#clients?.close(keepSessions)]);
  }

  /** Whether only clients connect. With a shared session, the hub's own would be a second one. */
  get #isOnDemand(): boolean {
    const { type, shared } = this.definition;
    return shared || type === 'stdio' || type === 'module';
  }

  /** Whether the hub keeps a connection: no client has one, and connecting starts no program. */
  get #isForOwn(): boolean {
    return !this.#isOnDemand && this.#connections.transports.length === 0;
  }

  get #transports(): readonly HealingTransport[] {
    const own = this.#own?.transport;
    return [...(own ? [own] : []), ...this.#connections.transports];
  }

  #connectionsChanged(): void {
    this.#connectWhereNobodyIs();
    void (this.#isServed ? this.#own?.yield() : this.#makeRoomForClients());
    this.#parts.onChange();
  }

  #ownChanged(): void {
    if (!this.#isServed) void this.#makeRoomForClients();
    this.#parts.onChange();
  }

  async #makeRoomForClients(): Promise<void> {
    if (this.#connections.transports.length > 0) await this.#makeRoom();
  }

  /**
   * Ends the hub's own connection. A failing one stays until a client has a session: a client that connects
   * in an outage and gives up must not start a second outage.
   */
  async #makeRoom(): Promise<void> {
    const own = this.#own?.connection;
    if (own && own.trouble === undefined) await this.#own?.yield();
  }

  /** Whether a client holds a proven session. */
  get #isServed(): boolean {
    return this.#connections.snapshots().some(({ connection }) => connection.status === 'ready');
  }

  #connectWhereNobodyIs(): void {
    if (!this.#isClosed && this.#pausedAt === undefined && this.#isForOwn) this.#own?.connect();
  }

  #tell(fact: HubFact['fact'], at = this.#parts.clock.now(), client?: number): void {
    if (fact.kind === 'requestAnswered') this.#latency.record(fact.durationMs);
    this.#parts.onFact({ server: this.definition.name, ...(client !== undefined && { client }), at, fact });
  }

  #closedError(): ResilientMcpError {
    const { name } = this.definition;
    return new ResilientMcpError('CONNECTION_CLOSED', `The connection to "${name}" was closed`);
  }
}

function paused(connection: ConnectionSnapshot, since: number): ConnectionSnapshot {
  return { ...connection, status: 'paused', since };
}

function nothingToStrike(name: string): ResilientMcpError {
  return new ResilientMcpError('INVALID_STATE', `"${name}" has no session to which that could happen now.`, {
    advice: 'Wait until it is connected; a server that starts when used needs a client first.',
  });
}
