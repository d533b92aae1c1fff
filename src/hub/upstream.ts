import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { type CallToolResult, CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { jsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js';
import { type CancelTimer, type Clock, wallTime } from '../base/environment.ts';
import type { Fault, FaultKind } from '../client/fault.ts';
import type { HealingTransport } from '../client/healing-transport.ts';
import { Histogram } from '../client/observe/metrics.ts';
import type { ConnectionSnapshot } from '../client/observe/snapshot.ts';
import { pausedError } from '../client/session/gate.ts';
import type { ServerConfig } from '../config/server-config.ts';
import { describeError, type ErrorCode, isResilientMcpError, ResilientMcpError } from '../protocol/errors.ts';
import { ClientConnections } from './client-connections.ts';
import type { FleetFact, UpstreamFact } from './fact.ts';
import { Offers } from './offers.ts';
import type { OpenOptions, OpenTransport } from './open/open-transport.ts';
import type { ServerSnapshot } from './snapshot.ts';

/** What upstreams have in common; handed in by the edge. */
export interface UpstreamOptions {
  readonly openTransport: OpenTransport;
  readonly clock: Clock;
  /** What the server is told about the client. */
  readonly clientInfo: { readonly name: string; readonly version: string };
  /** Something that {@link Upstream.snapshot} shows has changed. */
  readonly onChange: () => void;
  readonly onFact: (fact: FleetFact) => void;
  /** Whether it begins paused. */
  readonly paused?: boolean;
}

export interface CallOptions {
  /** Ends the call; the server is told. */
  readonly signal?: AbortSignal;
  /** How long the answer may take, recoveries included, in ms. Default 60,000, as in the SDK. */
  readonly timeoutMs?: number;
}

/** How long a call waits for the very first session, in ms. */
export const FIRST_SESSION_PATIENCE_MS = 30_000;
/** Until the next attempt when the client can't work with the server's answer to `initialize`, in ms. */
export const HANDSHAKE_RETRY_MS = 10_000;
/** Longest delay of a timer. The transport gives up on the first `initialize` only when it is closed. */
const NEVER_MS = 0x7fffffff;

const NOTHING_COUNTED = { tools: undefined, resources: undefined, prompts: undefined };

interface Link {
  readonly client: Client;
  readonly transport: HealingTransport;
  readonly offers: Offers;
  /** The first session was opened. The transport replaces it from then on. */
  isOpen: boolean;
  /** Why there is no first session and the transport has given up. */
  refusal?: {
    readonly reason: string;
    readonly failure: ErrorCode;
    /** By the monotonic clock, as the next. */
    readonly at: number;
    readonly retryAt: number;
  };
}

type Waiter = (outcome: { readonly link: Link } | { readonly error: unknown }) => void;

/**
 * One server of the fleet: an SDK client over a connection that heals itself, and the numbers of what it offers. It opens in
 * the background and stays until it is closed; whatever the server does in between is the transport's matter.
 */
export class Upstream {
  readonly config: ServerConfig;
  readonly #options: UpstreamOptions;
  readonly #createdAt: number;
  readonly #clients: ClientConnections;
  #link: Link | undefined;
  #closed = false;
  readonly #latency = new Histogram();
  /** When it was paused; undefined while it is not. */
  #pausedAt: number | undefined;
  #predecessor: Promise<void> = Promise.resolve();
  /** Who waits for the first session. */
  readonly #waiting = new Set<Waiter>();
  #cancelRetry: CancelTimer | undefined;

  constructor(config: ServerConfig, options: UpstreamOptions) {
    this.config = config;
    this.#options = options;
    this.#createdAt = options.clock.now();
    if (options.paused) this.#pausedAt = this.#createdAt;
    this.#clients = new ClientConnections({
      onChange: options.onChange,
      onEntry: (client, { seq: _, at, ...fact }) => {
        this.#measure(fact);
        options.onFact({ server: config.name, client, at, fact });
      },
    });
  }

  /** Whether it is left to clients to connect. A shared session would not be one with a second beside it. */
  get #isOnDemand(): boolean {
    const { type, shared } = this.config;
    return shared || type === 'stdio' || type === 'module';
  }

  /** Opens the connection, unless it is on demand, once `predecessor` has ended: some servers hold a single session and refuse a second one. */
  start(predecessor: Promise<void> = Promise.resolve()): void {
    this.#predecessor = predecessor;
    void predecessor.then(() => {
      if (!this.#closed && !this.#link && !this.#isOnDemand && !this.#isPaused) this.#open();
    });
  }

  get #isPaused(): boolean {
    return this.#pausedAt !== undefined;
  }

  /** Ends its sessions, and has nothing sent to it before {@link resume}. Those of clients stay open, and say so. */
  pause(): void {
    if (this.#isPaused || this.#closed) return;
    this.#pausedAt = this.#options.clock.now();
    this.#cancelRetry?.();
    this.#link?.transport.pause();
    this.#clients.pause();
    this.#options.onChange();
  }

  /** Opens new sessions for those who had one. */
  resume(): void {
    if (!this.#isPaused || this.#closed) return;
    this.#pausedAt = undefined;
    this.#clients.resume();
    if (this.#link?.isOpen) this.#link.transport.resume();
    else if (this.#link || !this.#isOnDemand) this.#open();
    this.#options.onChange();
  }

  /** A further connection to the server, for a client; not started. It is shown, told of and reset until it is closed. */
  connect(options: OpenOptions = {}): HealingTransport {
    if (this.#closed) throw closedError(this.config.name);
    const transport = this.#options.openTransport(this.config, options);
    this.#clients.track(transport);
    if (this.#isPaused) transport.pause();
    return transport;
  }

  snapshot(): Omit<ServerSnapshot, 'refused'> {
    return {
      name: this.config.name,
      type: this.config.type,
      target: targetOf(this.config),
      connection: this.#connection(),
      onDemand: this.#isOnDemand,
      paused: this.#isPaused,
      clients: this.#clients.snapshots(),
      ...(this.#link?.offers.counts ?? NOTHING_COUNTED),
      latency: this.#latency.summary(),
    };
  }

  /**
   * Calls a tool and gives the answer as the server sent it.
   *
   * @throws ResilientMcpError as the transport does, `SERVER_UNAVAILABLE` when no first session could be had in time;
   *   the SDK's `McpError` for an error of the server's and for a call that took longer than `timeoutMs`.
   */
  async callTool(
    name: string,
    args: Record<string, unknown>,
    options: CallOptions = {},
  ): Promise<CallToolResult> {
    const { signal, timeoutMs } = options;
    const { client } = await this.#firstSession(signal);
    // Not client.callTool(): that one compiles the server's output schemas into code, to check what the caller checks.
    return client.request({ method: 'tools/call', params: { name, arguments: args } }, CallToolResultSchema, {
      ...(signal && { signal }),
      ...(timeoutMs !== undefined && { timeout: timeoutMs }),
    });
  }

  /**
   * Gives each connection a new session, those of clients too.
   *
   * @returns the fleet's own connection, or that of a client where the fleet has none; undefined where nobody has one.
   * @throws ResilientMcpError when a new session could not be had; attempts go on.
   */
  async reset(): Promise<ConnectionSnapshot | undefined> {
    if (this.#closed) throw closedError(this.config.name);
    if (this.#isPaused) throw pausedError();
    const own = this.#isOnDemand && !this.#link ? undefined : this.#resetOwn();
    // Each of them is tried, whatever becomes of the other.
    const [mine, theirs] = await Promise.allSettled([own, this.#clients.reset()]);
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
    if (struck.length === 0) throw nothingToStrike(this.config.name);
    for (const transport of struck) {
      transport.simulate(fault);
      void transport.check();
    }
  }

  get #transports(): readonly HealingTransport[] {
    return [...(this.#link ? [this.#link.transport] : []), ...this.#clients.transports];
  }

  async #resetOwn(): Promise<ConnectionSnapshot> {
    const link = this.#link;
    const isFinishing = link?.transport.snapshot().status === 'ready' && !link.isOpen;
    if (link && !link.refusal && !isFinishing) return link.transport.resetSession();
    // A first session is new enough; one whose handshake is not over must not be replaced under it.
    await this.#firstSession();
    return this.#connection();
  }

  /** Ends the session and the connection. Never rejects; how long it may take is the transport's bound. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#link?.offers.stop();
    // Whoever follows must not start before the predecessor's session has ended either.
    await this.#predecessor;
    await Promise.all([this.#clients.close(), this.#link?.client.close().catch(() => {})]);
  }

  #connection(): ConnectionSnapshot {
    const connection = this.#link?.transport.snapshot() ?? notStarted(this.#createdAt);
    const refusal = this.#link?.refusal;
    if (this.#pausedAt !== undefined) return { ...connection, status: 'paused', since: this.#pausedAt };
    if (!refusal || this.#closed) return connection;
    const { clock } = this.#options;
    return {
      ...connection,
      status: 'down',
      since: wallTime(clock, refusal.at),
      trouble: refusal.reason,
      failure: refusal.failure,
      nextAttemptAt: wallTime(clock, refusal.retryAt),
    };
  }

  #open(): Link {
    this.#cancelRetry?.();
    const { clientInfo, openTransport, onChange } = this.#options;
    const transport = openTransport(this.config);
    const client = new Client(clientInfo, { jsonSchemaValidator: uncheckedOutput });
    transport.journal.subscribe(({ seq: _, at, ...fact }) => {
      this.#measure(fact);
      this.#tell(fact, at);
    });
    const opened = client.connect(transport, { timeout: NEVER_MS });
    const offers = this.#offersOf({ client, transport });
    const link: Link = { client, transport, offers, isOpen: false };
    this.#link = link;
    transport.onDidChange((connection) => {
      if (this.#link !== link) return;
      // What a new session changed comes as list_changed; this is for a count that could not be had before.
      if (connection.status === 'ready' && link.isOpen) offers.refreshIfStale();
      onChange();
    });
    opened.then(
      () => this.#opened(link),
      (error: unknown) => this.#refused(link, error),
    );
    onChange();
    return link;
  }

  #opened(link: Link): void {
    link.isOpen = true;
    // It was paused and resumed while its handshake ended: another one is under way, which the waiting calls get.
    if (this.#link !== link) {
      void link.client.close().catch(() => {});
      return;
    }
    for (const settle of [...this.#waiting]) settle({ link });
    link.offers.refresh();
  }

  #refused(link: Link, error: unknown): void {
    // It was paused and resumed meanwhile: another one is under way.
    if (this.#link !== link) return;
    const outcome = { error: this.#closed ? closedError(this.config.name) : error };
    for (const settle of [...this.#waiting]) settle(outcome);
    if (this.#closed) return;
    if (this.#isPaused) {
      this.#link = undefined;
      return;
    }
    const at = this.#options.clock.monotonic();
    const reason = describeError(error);
    const failure = isResilientMcpError(error) ? error.code : 'PROTOCOL_VIOLATION';
    link.refusal = { reason, failure, at, retryAt: at + HANDSHAKE_RETRY_MS };
    this.#cancelRetry = this.#options.clock.after(HANDSHAKE_RETRY_MS, () => this.#open(), {
      background: true,
    });
    this.#tell({ kind: 'handshakeRefused', generation: 0, reason, waitMs: HANDSHAKE_RETRY_MS });
    this.#options.onChange();
  }

  /** The link once it holds its first session. A refused one is tried again at once: somebody waits for it. */
  async #firstSession(signal?: AbortSignal): Promise<Link> {
    await this.#predecessor;
    if (this.#closed) throw closedError(this.config.name);
    if (this.#isPaused) throw pausedError();
    const link = !this.#link || this.#link.refusal ? this.#open() : this.#link;
    return link.isOpen ? link : this.#untilOpened(signal);
  }

  /** The link that got the first session, at most {@link FIRST_SESSION_PATIENCE_MS} from now: after a pause it may be another. */
  #untilOpened(signal: AbortSignal | undefined): Promise<Link> {
    return new Promise((resolve, reject) => {
      const settle: Waiter = (outcome) => {
        cancel();
        signal?.removeEventListener('abort', abort);
        this.#waiting.delete(settle);
        if ('link' in outcome) resolve(outcome.link);
        else reject(outcome.error);
      };
      const abort = () => settle({ error: signal?.reason });
      const cancel = this.#options.clock.after(FIRST_SESSION_PATIENCE_MS, () =>
        settle({ error: this.#unavailable() }),
      );
      this.#waiting.add(settle);
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }

  #unavailable(): ResilientMcpError {
    const { trouble } = this.#connection();
    return new ResilientMcpError(
      'SERVER_UNAVAILABLE',
      `No session with "${this.config.name}" yet${trouble ? `: ${trouble}` : ''}`,
      { advice: 'Attempts go on in the background. Check that the server runs and that its entry is right.' },
    );
  }

  /** The facts are those of tools, which every display counts; the other counts are shown where there is room. */
  #offersOf(link: Pick<Link, 'client' | 'transport'>): Offers {
    const generation = () => link.transport.snapshot().generation;
    return new Offers(link.client, {
      onCounted: (list, tools) => {
        if (list === 'tools') this.#tell({ kind: 'toolsListed', generation: generation(), tools });
        this.#options.onChange();
      },
      onFailed: (list, reason) => {
        if (list === 'tools') this.#tell({ kind: 'toolsNotListed', generation: generation(), reason });
      },
    });
  }

  #measure(fact: FleetFact['fact']): void {
    if (fact.kind === 'requestAnswered') this.#latency.record(fact.durationMs);
  }

  #tell(fact: FleetFact['fact'] | UpstreamFact, at = this.#options.clock.now()): void {
    this.#options.onFact({ server: this.config.name, at, fact });
  }
}

/** Stands in for the SDK's default, which would generate code from what the server sent. */
const uncheckedOutput: jsonSchemaValidator = {
  getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
};

function closedError(name: string): ResilientMcpError {
  return new ResilientMcpError('CONNECTION_CLOSED', `The connection to "${name}" was closed`);
}

function nothingToStrike(name: string): ResilientMcpError {
  return new ResilientMcpError('INVALID_STATE', `"${name}" has no session to which that could happen now.`, {
    advice: 'Wait until it is connected; a server that starts when used needs a client first.',
  });
}

/** A query or an argument may hold a key, and a display is no place for it. */
function targetOf(config: ServerConfig): string {
  if (config.type === 'stdio') return config.written ?? config.command;
  if (config.type === 'module') return config.written ?? config.module;
  // Placeholders in it: what was put in may be a secret, and what they are in need be no URL.
  if (config.written !== undefined) return config.written.replace(/[?#].*$/s, '');
  const { origin, pathname } = new URL(config.url);
  return origin + pathname;
}

function notStarted(since: number): ConnectionSnapshot {
  return {
    status: 'idle',
    since,
    generation: 0,
    sessionOpenedAt: undefined,
    sessionLabel: undefined,
    stateless: false,
    protocolVersion: undefined,
    server: undefined,
    recoveries: 0,
    replays: 0,
    lastRecovery: undefined,
    attempt: 0,
    nextAttemptAt: undefined,
    trouble: undefined,
    failure: undefined,
  };
}
