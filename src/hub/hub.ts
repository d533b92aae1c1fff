import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { type Clock, within } from '../base/environment.ts';
import { isSameData } from '../base/same-data.ts';
import type { Fault, FaultKind } from '../client/fault.ts';
import type { Subscription } from '../client/observe/journal.ts';
import type { ConnectionSnapshot } from '../client/observe/snapshot.ts';
import { describeError, isResilientMcpError, ResilientMcpError } from '../protocol/errors.ts';
import type { NewClientSessions } from './clients/client-sessions.ts';
import type { HubFact } from './facts.ts';
import { ManagedServer } from './managed-server.ts';
import type { CallOptions, NewOwnClient } from './own-client.ts';
import type { OpenHow, ServerDefinition, UpstreamConnection } from './server-definition.ts';
import type { HubSnapshot } from './snapshot.ts';

/** Result of one server's reset. Plain data. */
export type ResetOutcome =
  | {
      readonly server: string;
      readonly ok: true;
      /** The connection with its new session; undefined for an on-demand server without a connection. */
      readonly connection: ConnectionSnapshot | undefined;
      readonly durationMs: number;
    }
  | {
      readonly server: string;
      readonly ok: false;
      /** Why there is no new session, for the user. Attempts continue in the background. */
      readonly reason: string;
      readonly advice: string | undefined;
    };

export interface HubOptions {
  readonly clock: Clock;
  /** Creates the hub's own client at a server. Without it, only clients connect. */
  readonly newOwnClient?: NewOwnClient;
  /**
   * How long {@link Hub.close} waits for sessions to end, in ms. Default: as long as the connections need.
   */
  readonly closePatienceMs?: number;
  /** Names of servers that start paused, whether or not they are configured yet. */
  readonly paused?: Iterable<string>;
}

/**
 * The configured servers, by name: one object each, started, replaced and closed as the configuration
 * changes.
 */
export class Hub {
  readonly #options: HubOptions;
  readonly #changeListeners = new Set<(snapshot: HubSnapshot) => void>();
  readonly #factListeners = new Set<(fact: HubFact) => void>();
  readonly #applyListeners = new Set<(names: readonly string[]) => void>();
  readonly #closing = new Set<Promise<void>>();
  #servers = new Map<string, ManagedServer>();
  #newSessions: NewClientSessions | undefined;
  readonly #paused: Set<string>;
  #isApplied = false;
  #changeDue = false;
  #closed = false;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#paused = new Set(options.paused);
  }

  /**
   * Applies a configuration by comparison. An unchanged server keeps its sessions and clients; a changed one
   * is replaced; a removed one is closed. No effect after {@link close}.
   */
  apply(definitions: readonly ServerDefinition[]): void {
    if (this.#closed) return;
    const before = this.#servers;
    const byName = new Map(definitions.map((definition) => [definition.name, definition]));
    this.#servers = new Map();
    for (const definition of byName.values()) {
      const present = before.get(definition.name);
      const isKept = present !== undefined && isSame(present.definition, definition);
      const end = present && !isKept ? this.#end(present) : undefined;
      this.#servers.set(definition.name, isKept ? present : this.#started(definition, end));
    }
    for (const [name, server] of before) if (!byName.has(name)) void this.#end(server);
    this.#isApplied = true;
    publish(this.#applyListeners, [...byName.keys()]);
    this.#changed();
  }

  /** Resolves when every replaced or removed server has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#closing);
  }

  /** Calls `listener` with the server names after each {@link apply}, and at once if one has happened. */
  onDidApply(listener: (names: readonly string[]) => void): Subscription {
    if (this.#isApplied) listener([...this.#servers.keys()]);
    return subscribed(this.#applyListeners, listener);
  }

  /** Admits clients at every server from now on. */
  serve(newSessions: NewClientSessions): void {
    this.#newSessions = newSessions;
    for (const server of this.#servers.values()) server.serve(newSessions);
  }

  /** In configuration order. */
  get servers(): readonly ManagedServer[] {
    return [...this.#servers.values()];
  }

  snapshot(): HubSnapshot {
    return { at: this.#options.clock.now(), servers: this.servers.map((server) => server.snapshot()) };
  }

  /** Calls `listener` after changes, at most once per turn of the event loop. Its exceptions are ignored. */
  onDidChange(listener: (snapshot: HubSnapshot) => void): Subscription {
    return subscribed(this.#changeListeners, listener);
  }

  /** Calls `listener` for every later fact. Its exceptions are ignored. */
  onFact(listener: (fact: HubFact) => void): Subscription {
    return subscribed(this.#factListeners, listener);
  }

  /**
   * Opens a new session at one server, or at every server. Failures are outcomes, not exceptions.
   *
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for an unknown name
   */
  async reset(name?: string): Promise<readonly ResetOutcome[]> {
    const servers = name === undefined ? [...this.#servers.values()] : [this.#known(name)];
    return Promise.all(servers.map((server) => this.#reset(server)));
  }

  /**
   * Pauses a server until {@link resume}: its sessions end, nothing is sent, and requests fail with the
   * reason. A changed entry stays paused.
   *
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for an unknown name
   */
  pause(name: string): void {
    this.#known(name).pause();
    this.#paused.add(name);
  }

  /** @throws ResilientMcpError `INVALID_CONFIGURATION` for an unknown name */
  resume(name: string): void {
    this.#known(name).resume();
    this.#paused.delete(name);
  }

  /**
   * The faults that {@link simulate} can cause at a server now.
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for an unknown name
   */
  faults(name: string): readonly FaultKind[] {
    return this.#known(name).faults;
  }

  /**
   * Simulates a fault on the connections to a server, at the point where real faults occur.
   *
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for an unknown name, `INVALID_STATE` when no session
   *   can have the fault
   */
  simulate(name: string, fault: Fault): void {
    this.#known(name).simulate(fault);
  }

  /**
   * Calls a tool of a server. See {@link OwnClient.callTool}.
   *
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for an unknown name
   */
  async callTool(
    name: string,
    tool: string,
    args: Record<string, unknown> = {},
    options: CallOptions = {},
  ): Promise<CallToolResult> {
    return this.#known(name).callTool(tool, args, options);
  }

  /**
   * A connection to a server for a client, not started. The caller owns and closes it. Until then it is part
   * of the server's snapshots, facts and resets.
   *
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for an unknown name
   */
  connect(name: string, how: Partial<OpenHow> = {}): UpstreamConnection {
    return this.#known(name).connect(how);
  }

  /** Lets clients' calls end, refuses new ones, and ends client sessions. Never rejects. */
  async drain(timeoutMs: number, keepSessions: boolean): Promise<void> {
    await Promise.all(this.servers.map((server) => server.drain(timeoutMs, keepSessions)));
  }

  /**
   * Ends every session, within `closePatienceMs`. The hub cannot be used again. Never rejects.
   * @param options `keepSessions`: client sessions stay open at their servers, for a later hub to resume
   */
  async close({ keepSessions = false }: { readonly keepSessions?: boolean } = {}): Promise<void> {
    if (!this.#closed) for (const server of this.#servers.values()) void this.#end(server, keepSessions);
    this.#closed = true;
    this.#servers = new Map();
    const { clock, closePatienceMs } = this.#options;
    const ended = this.ended();
    await (closePatienceMs === undefined ? ended : within(clock, closePatienceMs, ended, undefined));
    this.#changeListeners.clear();
    this.#factListeners.clear();
    this.#applyListeners.clear();
  }

  #started(definition: ServerDefinition, predecessor: Promise<void> | undefined): ManagedServer {
    const { clock, newOwnClient } = this.#options;
    const server = new ManagedServer(definition, {
      clock,
      newOwnClient,
      isPaused: this.#paused.has(definition.name),
      isFree: predecessor ?? Promise.resolve(),
      onChange: () => this.#changed(),
      onFact: (fact) => publish(this.#factListeners, fact),
    });
    if (this.#newSessions) server.serve(this.#newSessions);
    return server;
  }

  #end(server: ManagedServer, keepSessions = false): Promise<void> {
    const ended = server.close(keepSessions).finally(() => this.#closing.delete(ended));
    this.#closing.add(ended);
    return ended;
  }

  async #reset(managed: ManagedServer): Promise<ResetOutcome> {
    const server = managed.definition.name;
    const { clock } = this.#options;
    const startedAt = clock.monotonic();
    try {
      const connection = await managed.reset();
      return { server, ok: true, connection, durationMs: clock.monotonic() - startedAt };
    } catch (error) {
      const advice = isResilientMcpError(error) ? error.advice : undefined;
      return { server, ok: false, reason: describeError(error), advice };
    }
  }

  #known(name: string): ManagedServer {
    const server = this.#servers.get(name);
    if (server) return server;
    const names = [...this.#servers.keys()].map((known) => JSON.stringify(known)).join(', ');
    throw new ResilientMcpError(
      'INVALID_CONFIGURATION',
      `There is no server ${JSON.stringify(name)}. ${names ? `Known are ${names}.` : 'None is configured.'}`,
      { advice: 'Servers are configured in the setting resilientMcp.servers.' },
    );
  }

  #changed(): void {
    if (this.#changeDue) return;
    this.#changeDue = true;
    this.#options.clock.after(0, () => {
      this.#changeDue = false;
      publish(this.#changeListeners, this.snapshot());
    });
  }
}

/** The only comparison of the configured with the current servers. */
function isSame(one: ServerDefinition, other: ServerDefinition): boolean {
  return (
    one.endpoint === other.endpoint && one.shared === other.shared && isSameData(one.identity, other.identity)
  );
}

function subscribed<T>(listeners: Set<T>, listener: T): Subscription {
  listeners.add(listener);
  return { dispose: () => listeners.delete(listener) };
}

function publish<T>(listeners: ReadonlySet<(value: T) => void>, value: T): void {
  for (const listener of [...listeners]) {
    try {
      listener(value);
    } catch {
      // A failing listener must not break the connections.
    }
  }
}
