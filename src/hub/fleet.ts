import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { Clock } from '../base/environment.ts';
import type { Fault, FaultKind } from '../client/fault.ts';
import type { HealingTransport } from '../client/healing-transport.ts';
import type { Subscription } from '../client/observe/journal.ts';
import type { ConnectionSnapshot } from '../client/observe/snapshot.ts';
import { identityOf } from '../config/config-identity.ts';
import type { ServerConfig } from '../config/server-config.ts';
import { describeError, isResilientMcpError, ResilientMcpError } from '../protocol/errors.ts';
import type { FleetFact } from './fact.ts';
import type { OpenOptions, OpenTransport } from './open/open-transport.ts';
import type { FleetSnapshot, RefusedClient } from './snapshot.ts';
import { type CallOptions, Upstream } from './upstream.ts';

/** What became of one server's reset. Plain data. */
export type ResetOutcome =
  | {
      readonly server: string;
      readonly ok: true;
      /** The connection with its new session; undefined when nobody is connected to a server that is met on demand. */
      readonly connection: ConnectionSnapshot | undefined;
      readonly durationMs: number;
    }
  | {
      readonly server: string;
      readonly ok: false;
      /** Why there is no new session, in words for a person. Attempts go on in the background. */
      readonly reason: string;
      readonly advice: string | undefined;
    };

export interface FleetOptions {
  readonly openTransport: OpenTransport;
  readonly clock: Clock;
  /** What servers are told about the client. */
  readonly clientInfo: { readonly name: string; readonly version: string };
  /** How long {@link Fleet.close} waits for sessions to be ended, in ms. Default 2,000. */
  readonly closePatienceMs?: number;
  /** The names of servers that begin paused, whether or not they are configured yet. */
  readonly paused?: Iterable<string>;
}

/** Many connections, by name: started, replaced and closed as the configuration says. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #changeListeners = new Set<(snapshot: FleetSnapshot) => void>();
  readonly #factListeners = new Set<(fact: FleetFact) => void>();
  readonly #closing = new Set<Promise<void>>();
  #upstreams = new Map<string, Upstream>();
  readonly #paused: Set<string>;
  /** By the names of servers. */
  readonly #refused = new Map<string, readonly RefusedClient[]>();
  #changeDue = false;
  #closed = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#paused = new Set(options.paused);
  }

  /**
   * Makes the fleet what `configs` says, by comparing: a server whose entry is the same keeps its session, one whose
   * entry changed is connected anew, one that is gone is closed. Without effect after {@link close}.
   */
  apply(configs: readonly ServerConfig[]): void {
    if (this.#closed) return;
    const before = this.#upstreams;
    this.#upstreams = new Map();
    for (const config of new Map(configs.map((config) => [config.name, config])).values()) {
      const present = before.get(config.name);
      before.delete(config.name);
      this.#upstreams.set(config.name, present ? this.#updated(present, config) : this.#started(config));
    }
    for (const upstream of before.values()) void this.#end(upstream);
    for (const name of this.#refused.keys()) if (!this.#upstreams.has(name)) this.#refused.delete(name);
    this.#changed();
  }

  snapshot(): FleetSnapshot {
    const servers = [...this.#upstreams].map(([name, upstream]) => ({
      ...upstream.snapshot(),
      refused: this.#refused.get(name) ?? [],
    }));
    return { at: this.#options.clock.now(), servers };
  }

  /** Calls `listener` after changes, at most once per turn of the event loop. What it throws is swallowed. */
  onDidChange(listener: (snapshot: FleetSnapshot) => void): Subscription {
    return subscribed(this.#changeListeners, listener);
  }

  /** Calls `listener` for every later fact. What it throws is swallowed. */
  onFact(listener: (fact: FleetFact) => void): Subscription {
    return subscribed(this.#factListeners, listener);
  }

  /**
   * Gives one server, or every server, a new session. Failures are outcomes, not exceptions.
   *
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for a name that is not in the fleet.
   */
  async reset(name?: string): Promise<readonly ResetOutcome[]> {
    const upstreams = name === undefined ? [...this.#upstreams.values()] : [this.#known(name)];
    return Promise.all(upstreams.map((upstream) => this.#reset(upstream)));
  }

  /**
   * Has nothing sent to a server before {@link resume}: its sessions end, and whoever asks it for something is told
   * that it is paused. It stays so when its entry changes.
   *
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for a name that is not in the fleet.
   */
  pause(name: string): void {
    this.#known(name).pause();
    this.#paused.add(name);
  }

  /** @throws ResilientMcpError `INVALID_CONFIGURATION` for a name that is not in the fleet. */
  resume(name: string): void {
    this.#known(name).resume();
    this.#paused.delete(name);
  }

  /** Takes note of who is refused at a server's endpoint: all of them, each time. */
  noteRefused(name: string, refused: readonly RefusedClient[]): void {
    this.#refused.set(name, refused);
    this.#changed();
  }

  /**
   * The faults that {@link simulate} can bring about at a server now.
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for a name that is not in the fleet.
   */
  faults(name: string): readonly FaultKind[] {
    return this.#known(name).faults;
  }

  /**
   * Lets a fault happen to the connections to a server, where real ones come from.
   *
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for a name that is not in the fleet, `INVALID_STATE` when it has
   *   no session that could have the fault.
   */
  simulate(name: string, fault: Fault): void {
    this.#known(name).simulate(fault);
  }

  /**
   * Calls a tool of a server. See {@link Upstream.callTool}.
   *
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for a name that is not in the fleet.
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
   * A further connection to a server, for a client; not started. It belongs to the caller, and is shown, told of and
   * reset with the server until it is closed.
   *
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for a name that is not in the fleet.
   */
  connect(name: string, options: OpenOptions = {}): HealingTransport {
    return this.#known(name).connect(options);
  }

  /** Ends every session, within `closePatienceMs`. The fleet can't be used again. Never rejects. */
  async close(): Promise<void> {
    if (!this.#closed) for (const upstream of this.#upstreams.values()) void this.#end(upstream);
    this.#closed = true;
    this.#upstreams = new Map();
    const { clock, closePatienceMs = 2000 } = this.#options;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(closePatienceMs, resolve);
      void Promise.all(this.#closing).then(() => {
        cancel();
        resolve();
      });
    });
    this.#changeListeners.clear();
    this.#factListeners.clear();
  }

  #updated(present: Upstream, config: ServerConfig): Upstream {
    return identityOf(present.config) === identityOf(config)
      ? present
      : this.#started(config, this.#end(present));
  }

  #started(config: ServerConfig, predecessor?: Promise<void>): Upstream {
    const upstream = new Upstream(config, {
      ...this.#options,
      paused: this.#paused.has(config.name),
      onChange: () => this.#changed(),
      onFact: (fact) => publish(this.#factListeners, fact),
    });
    upstream.start(predecessor);
    return upstream;
  }

  #end(upstream: Upstream): Promise<void> {
    const ended = upstream.close().finally(() => this.#closing.delete(ended));
    this.#closing.add(ended);
    return ended;
  }

  async #reset(upstream: Upstream): Promise<ResetOutcome> {
    const server = upstream.config.name;
    const { clock } = this.#options;
    const startedAt = clock.monotonic();
    try {
      const connection = await upstream.reset();
      return { server, ok: true, connection, durationMs: clock.monotonic() - startedAt };
    } catch (error) {
      const advice = isResilientMcpError(error) ? error.advice : undefined;
      return { server, ok: false, reason: describeError(error), advice };
    }
  }

  #known(name: string): Upstream {
    const upstream = this.#upstreams.get(name);
    if (upstream) return upstream;
    const names = [...this.#upstreams.keys()].map((known) => JSON.stringify(known)).join(', ');
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

function subscribed<T>(listeners: Set<T>, listener: T): Subscription {
  listeners.add(listener);
  return { dispose: () => listeners.delete(listener) };
}

function publish<T>(listeners: ReadonlySet<(value: T) => void>, value: T): void {
  for (const listener of [...listeners]) {
    try {
      listener(value);
    } catch {
      // A reader must not be able to break the connections it reads of.
    }
  }
}
