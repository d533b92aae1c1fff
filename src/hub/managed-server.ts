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

/** What the servers of one hub have in common. */
export interface ManagedServerParts {
  readonly clock: Clock;
  /** Something that {@link ManagedServer.snapshot} shows has changed. */
  readonly onChange: () => void;
  readonly onFact: (fact: HubFact) => void;
  /** Makes the hub's own client. Without it the server is met by clients alone. */
  readonly newOwnClient: NewOwnClient | undefined;
  /** Whether it begins paused. */
  readonly isPaused: boolean;
  /** Settles when the server of this name before it has ended: some servers hold a single session and refuse a second. */
  readonly isFree: Promise<void>;
}

/**
 * One configured server, and all that there is of it: the connections that clients hold, the hub's own client where
 * nobody else is connected, the sessions of clients at the gateway, and what a display shows.
 */
export class ManagedServer {
  readonly definition: ServerDefinition;
  /** Clients that were refused at its address in the gateway. */
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
  /** When it was paused; undefined while it is not. */
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

  /** The sessions of its clients at the gateway; undefined while it is not served. */
  get clients(): ClientSessions | undefined {
    return this.#clients;
  }

  /** Lets clients in, from now on. */
  serve(newSessions: NewClientSessions): void {
    if (!this.#isClosed) this.#clients = newSessions(this);
  }

  /** Resolves when a client's connection may be opened: the hub's own makes room for it. Never rejects. */
  async madeRoom(): Promise<void> {
    await this.#parts.isFree;
    await this.#makeRoom();
  }

  /** A connection for a client; not started. It is shown until it is closed, which is its owner's to do. */
  connect(how?: Partial<OpenHow>): UpstreamConnection {
    if (this.#isClosed) throw this.#closedError();
    const connection = this.definition.open(how);
    this.#connections.track(connection);
    if (this.#pausedAt !== undefined) connection.pause();
    return connection;
  }

  /** A list of the server was read to its end. @param client whose list it was; undefined for the hub's own client */
  counted(list: ListKind, count: number): void {
    if (this.#counts[list] === count) return;
    this.#counts[list] = count;
    this.#parts.onChange();
  }

  /** Ends its sessions, and has nothing sent to it before {@link resume}. Those of clients stay open, and say so. */
  pause(): void {
    if (this.#pausedAt !== undefined || this.#isClosed) return;
    this.#pausedAt = this.#parts.clock.now();
    this.#own?.pause();
    for (const transport of this.#connections.transports) transport.pause();
    this.#parts.onChange();
  }

  /** Opens new sessions for those who had one. */
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
   * Calls a tool over the hub's own connection, which is opened where there is none.
   * @throws as {@link OwnClient.callTool}
   */
  async callTool(tool: string, args: Record<string, unknown>, options: CallOptions): Promise<CallToolResult> {
    if (!this.#own) throw new ResilientMcpError('INVALID_STATE', 'This hub has no client of its own.');
    return this.#own.callTool(tool, args, options);
  }

  /**
   * Gives each connection a new session, those of clients too.
   *
   * @returns the hub's own connection, or that of a client where the hub has none; undefined where nobody has one.
   * @throws ResilientMcpError when a new session could not be had; attempts go on.
   */
  async reset(): Promise<ConnectionSnapshot | undefined> {
    if (this.#isClosed) throw this.#closedError();
    if (this.#pausedAt !== undefined) throw pausedError();
    const isWanted = this.#own?.transport !== undefined || this.#isForOwn;
    // Each of them is tried, whatever becomes of the other.
    const [mine, theirs] = await Promise.allSettled([
      isWanted ? this.#own?.reset() : undefined,
      this.#connections.reset(),
    ]);
    if (mine.status === 'rejected') throw mine.reason;
    if (theirs.status === 'rejected') throw theirs.reason;
    return mine.value ?? theirs.value[0];
  }

  /** The faults that could be simulated on some connection now. */
  get faults(): readonly FaultKind[] {
    return [...new Set(this.#transports.flatMap((transport) => transport.faults))];
  }

  /**
   * Lets a fault happen to every connection that can have it, and asks each at once, so that it need not wait for a call.
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
   * Lets calls of clients end, refuses what is new, and ends their sessions. Never rejects.
   * @param keepSessions whether the server keeps its sessions, for a later hub to go on with
   */
  async drain(timeoutMs: number, keepSessions: boolean): Promise<void> {
    await this.#clients?.drain(timeoutMs, keepSessions);
  }

  /**
   * Ends the sessions of clients and the connections that carry them, then the hub's own. Never rejects; how long it may
   * take is the bound of the connections.
   */
  async close(keepSessions = false): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#closeClients(keepSessions), this.#own?.close()]);
    // Somebody else has opened these, and they end with the server.
    await Promise.allSettled(this.#connections.transports.map((transport) => transport.close()));
  }

  async #closeClients(keepSessions: boolean): Promise<void> {
    // Whoever follows must not start before the predecessor's session has ended either.
    await Promise.allSettled([this.#parts.isFree, this.#clients?.close(keepSessions)]);
  }

  /** Whether it is left to clients to connect. A shared session would not be one with a second beside it. */
  get #isOnDemand(): boolean {
    const { type, shared } = this.definition;
    return shared || type === 'stdio' || type === 'module';
  }

  /** Whether it is the hub that keeps a connection: nobody else does, and connecting starts nothing. */
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
   * Ends the hub's own connection. One in trouble goes on until a client has a session: a client that comes in an outage and
   * gives up must not make a new outage of it.
   */
  async #makeRoom(): Promise<void> {
    const own = this.#own?.connection;
    if (own && own.trouble === undefined) await this.#own?.yield();
  }

  /** Whether a client holds a session that is proven. */
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
