import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  type CallToolResult,
  CallToolResultSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { jsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js';
import { describeError, ResilientMcpError } from '../protocol/errors.ts';
import type { CancelTimer, Clock } from '../session/environment.ts';
import type { Journal, Subscription } from '../session/journal.ts';
import type { ConnectionSnapshot } from '../session/snapshot.ts';
import type { FleetFact, UpstreamFact } from './fact.ts';
import type { ServerConfig } from './server-config.ts';
import type { ServerSnapshot } from './snapshot.ts';
import { countTools } from './tool-count.ts';

/** What an upstream needs of a connection: the SDK's transport, and a view of how it fares. */
export interface HealingTransport extends Transport {
  readonly journal: Journal;
  snapshot(): ConnectionSnapshot;
  onDidChange(listener: (snapshot: ConnectionSnapshot) => void): Subscription;
  resetSession(): Promise<ConnectionSnapshot>;
}

/** Makes the connection to one server. It must try the first `initialize` again until it is closed. */
export type OpenTransport = (config: ServerConfig) => HealingTransport;

/** What upstreams have in common; handed in by the edge. */
export interface UpstreamOptions {
  readonly openTransport: OpenTransport;
  readonly clock: Clock;
  /** What the server is told about the client. */
  readonly clientInfo: { readonly name: string; readonly version: string };
  /** Something that {@link Upstream.snapshot} shows has changed. */
  readonly onChange: () => void;
  readonly onFact: (fact: FleetFact) => void;
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
export const HANDSHAKE_RETRY_MS = 60_000;
/** Longest delay of a timer. The transport gives up on the first `initialize` only when it is closed. */
const NEVER_MS = 0x7fffffff;

interface Link {
  readonly client: Client;
  readonly transport: HealingTransport;
  /** Settles with the first session. */
  readonly opened: Promise<void>;
  /** Why `opened` was rejected. */
  refusal?: { readonly reason: string; readonly at: number; readonly retryAt: number };
}

/**
 * One server of the fleet: an SDK client over a connection that heals itself, and the number of its tools. It opens in
 * the background and stays until it is closed; whatever the server does in between is the transport's matter.
 */
export class Upstream {
  readonly config: ServerConfig;
  readonly #options: UpstreamOptions;
  readonly #createdAt: number;
  #link: Link | undefined;
  #closed = false;
  #predecessor: Promise<void> = Promise.resolve();
  #tools: number | undefined;
  #listing = { generation: 0, wanted: false, running: false };
  #cancelRetry: CancelTimer | undefined;

  constructor(config: ServerConfig, options: UpstreamOptions) {
    this.config = config;
    this.#options = options;
    this.#createdAt = options.clock.now();
  }

  /** Opens the connection, once `predecessor` has ended: some servers hold a single session and refuse a second one. */
  start(predecessor: Promise<void> = Promise.resolve()): void {
    this.#predecessor = predecessor;
    void predecessor.then(() => {
      if (!this.#closed && !this.#link) this.#open();
    });
  }

  snapshot(): ServerSnapshot {
    return {
      name: this.config.name,
      url: bareUrl(this.config.url),
      connection: this.#connection(),
      tools: this.#tools,
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

  /** Ends the session and opens a new one. @throws ResilientMcpError when none could be had; attempts go on. */
  async reset(): Promise<ConnectionSnapshot> {
    if (this.#closed) throw closedError(this.config.name);
    const link = this.#link;
    if (link && !link.refusal) return link.transport.resetSession();
    await this.#firstSession();
    return this.#connection();
  }

  /** Ends the session and the connection. Never rejects; how long it may take is the transport's bound. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    // Whoever follows must not start before the predecessor's session has ended either.
    await this.#predecessor;
    await this.#link?.client.close().catch(() => {});
  }

  #connection(): ConnectionSnapshot {
    const connection = this.#link?.transport.snapshot() ?? notStarted(this.#createdAt);
    const refusal = this.#link?.refusal;
    if (!refusal || this.#closed) return connection;
    return {
      ...connection,
      status: 'down',
      since: refusal.at,
      trouble: refusal.reason,
      nextAttemptAt: refusal.retryAt,
    };
  }

  #open(): Link {
    this.#cancelRetry?.();
    const { clientInfo, openTransport, onChange } = this.#options;
    const transport = openTransport(this.config);
    const client = new Client(clientInfo, { jsonSchemaValidator: uncheckedOutput });
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => this.#listTools());
    transport.journal.subscribe(({ seq: _, at, ...fact }) => this.#tell(fact, at));
    const opened = client.connect(transport, { timeout: NEVER_MS });
    const link: Link = { client, transport, opened };
    this.#link = link;
    this.#listing.generation = 0;
    transport.onDidChange((connection) => {
      if (this.#link !== link) return;
      this.#listOnNewSession(connection);
      onChange();
    });
    opened.then(
      () => this.#listOnNewSession(transport.snapshot()),
      (error: unknown) => this.#refused(link, error),
    );
    onChange();
    return link;
  }

  #refused(link: Link, error: unknown): void {
    if (this.#closed || this.#link !== link) return;
    const at = this.#options.clock.now();
    const reason = describeError(error);
    link.refusal = { reason, at, retryAt: at + HANDSHAKE_RETRY_MS };
    this.#cancelRetry = this.#options.clock.after(HANDSHAKE_RETRY_MS, () => this.#open());
    this.#tell({ kind: 'handshakeRefused', generation: 0, reason, waitMs: HANDSHAKE_RETRY_MS });
    this.#options.onChange();
  }

  /** The link once it holds its first session. A refused one is tried again at once: somebody waits for it. */
  async #firstSession(signal?: AbortSignal): Promise<Link> {
    await this.#predecessor;
    if (this.#closed) throw closedError(this.config.name);
    const link = !this.#link || this.#link.refusal ? this.#open() : this.#link;
    await this.#withPatience(link.opened, signal);
    return link;
  }

  #withPatience(opened: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal?.reason);
      const cancel = this.#options.clock.after(FIRST_SESSION_PATIENCE_MS, () => reject(this.#unavailable()));
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort, { once: true });
      opened.then(resolve, reject).finally(() => {
        cancel();
        signal?.removeEventListener('abort', abort);
      });
    });
  }

  #unavailable(): ResilientMcpError {
    const { trouble } = this.#connection();
    return new ResilientMcpError(
      'SERVER_UNAVAILABLE',
      `No session with "${this.config.name}" yet${trouble ? `: ${trouble}` : ''}`,
      { advice: 'Attempts go on in the background. Check that the server runs and that its URL is right.' },
    );
  }

  #listOnNewSession({ status, generation }: ConnectionSnapshot): void {
    if (status !== 'ready' || generation === this.#listing.generation) return;
    this.#listing.generation = generation;
    this.#listTools();
  }

  /** One listing at a time; what is asked for meanwhile is done once, afterwards. */
  #listTools(): void {
    this.#listing.wanted = true;
    if (!this.#listing.running) void this.#runListing();
  }

  async #runListing(): Promise<void> {
    this.#listing.running = true;
    while (this.#listing.wanted && !this.#closed && this.#link) {
      this.#listing.wanted = false;
      const { generation } = this.#listing;
      try {
        await this.#link.opened;
        const tools = await countTools(this.#link.client);
        if (this.#closed) break;
        this.#tools = tools;
        this.#tell({ kind: 'toolsListed', generation, tools });
        this.#options.onChange();
      } catch (error) {
        if (!this.#closed) this.#tell({ kind: 'toolsNotListed', generation, reason: describeError(error) });
      }
    }
    this.#listing.running = false;
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

/** A query may hold a key, and a display is no place for it. */
function bareUrl(url: string): string {
  const { origin, pathname } = new URL(url);
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
  };
}
