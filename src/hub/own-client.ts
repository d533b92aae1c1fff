import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { type CallToolResult, CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { jsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js';
import { type CancelTimer, type Clock, wallTime } from '../base/environment.ts';
import type { HealingTransport } from '../client/healing-transport.ts';
import type { ConnectionSnapshot } from '../client/observe/snapshot.ts';
import { pausedError } from '../client/session/gate.ts';
import { describeError, type ErrorCode, isResilientMcpError, ResilientMcpError } from '../protocol/errors.ts';
import type { HubFact } from './facts.ts';
import { OwnLists } from './own-lists.ts';
import type { UpstreamConnection } from './server-definition.ts';
import type { ListKind } from './snapshot.ts';

export interface CallOptions {
  /** Cancels the call, at the server too. */
  readonly signal?: AbortSignal;
  /** Time limit of the answer, including recoveries, in ms. Default 60,000, as in the SDK. */
  readonly timeoutMs?: number;
}

/** The part of its server that the hub's own client needs. */
export interface OwnClientParts {
  readonly name: string;
  readonly clock: Clock;
  /** Settles when a session may be opened: some servers allow only one. */
  readonly isFree: Promise<void>;
  /** Creates a connection, not started. */
  readonly open: () => UpstreamConnection;
  /** Called when {@link OwnClient.connection} has changed. */
  readonly onChange: () => void;
  readonly onFact: (fact: HubFact['fact'], at?: number) => void;
  readonly onCounted: (list: ListKind, count: number) => void;
}

/** Creates the hub's own client at a server. */
export type NewOwnClient = (parts: OwnClientParts) => OwnClient;

/** How long a call waits for the first session, in ms. */
export const FIRST_SESSION_PATIENCE_MS = 30_000;
/** Delay of the next attempt when the client cannot use the server's answer to `initialize`, in ms. */
export const HANDSHAKE_RETRY_MS = 10_000;
/** The longest timer delay. The transport gives up on the first `initialize` only when closed. */
const NEVER_MS = 0x7fffffff;

interface Link {
  readonly client: Client;
  readonly transport: HealingTransport;
  readonly lists: OwnLists;
  /** Whether the first session was opened. Later ones are opened by the transport. */
  isOpen: boolean;
  /** Why the transport gave up on the first session. */
  refusal?: {
    readonly reason: string;
    readonly failure: ErrorCode;
    /** Monotonic time, like the next. */
    readonly at: number;
    readonly retryAt: number;
  };
}

type Waiter = (outcome: { readonly link: Link } | { readonly error: unknown }) => void;

/**
 * The hub's own client at one server: an SDK client over a self-healing connection. Opened on demand, with at
 * most one session.
 */
export class OwnClient {
  readonly #parts: OwnClientParts;
  readonly #clientInfo: { readonly name: string; readonly version: string };
  #link: Link | undefined;
  #isClosed = false;
  #isPaused = false;
  #calls = 0;
  /** Calls waiting for the first session. */
  readonly #waiting = new Set<Waiter>();
  #cancelRetry: CancelTimer | undefined;

  /** @param clientInfo sent to the server in `initialize` */
  constructor(clientInfo: { readonly name: string; readonly version: string }, parts: OwnClientParts) {
    this.#clientInfo = clientInfo;
    this.#parts = parts;
  }

  /** Its connection; undefined without one. */
  get transport(): HealingTransport | undefined {
    return this.#link?.transport;
  }

  /** The snapshot of its connection; undefined without one. */
  get connection(): ConnectionSnapshot | undefined {
    const connection = this.#link?.transport.snapshot();
    const refusal = this.#link?.refusal;
    if (!connection || !refusal || this.#isClosed) return connection;
    const { clock } = this.#parts;
    return {
      ...connection,
      status: 'down',
      since: wallTime(clock, refusal.at),
      trouble: refusal.reason,
      failure: refusal.failure,
      nextAttemptAt: wallTime(clock, refusal.retryAt),
    };
  }

  /** Opens the connection in the background, unless there is one. */
  connect(): void {
    void this.#parts.isFree.then(() => {
      if (!this.#isClosed && !this.#isPaused && !this.#link) this.#open();
    });
  }

  /** Ends the session, and opens none until {@link resume}. */
  pause(): void {
    this.#isPaused = true;
    this.#cancelRetry?.();
    this.#link?.transport.pause();
  }

  /** Opens a new session if there was one. */
  resume(): void {
    this.#isPaused = false;
    if (this.#link?.isOpen) this.#link.transport.resume();
    else if (this.#link) this.#open();
  }

  /**
   * Calls a tool and returns the server's answer unchanged. Opens the connection if there is none.
   *
   * @throws ResilientMcpError as the transport does, `SERVER_UNAVAILABLE` when no first session was opened in
   *   time; the SDK's `McpError` for an error of the server and for a call that exceeds `timeoutMs`
   */
  async callTool(
    name: string,
    args: Record<string, unknown>,
    { signal, timeoutMs }: CallOptions,
  ): Promise<CallToolResult> {
    this.#calls += 1;
    try {
      const { client } = await this.#firstSession(signal);
      const request = { method: 'tools/call' as const, params: { name, arguments: args } };
      // Not client.callTool(): it compiles the server's output schemas into code, for a check that the caller
      // does.
      return await client.request(request, CallToolResultSchema, {
        ...(signal && { signal }),
        ...(timeoutMs !== undefined && { timeout: timeoutMs }),
      });
    } finally {
      this.#calls -= 1;
    }
  }

  /** Opens a new session. @throws ResilientMcpError when that fails; attempts continue */
  async reset(): Promise<ConnectionSnapshot> {
    const link = this.#link;
    const isFinishing = link?.transport.snapshot().status === 'ready' && !link.isOpen;
    if (link && !link.refusal && !isFinishing) return link.transport.resetSession();
    // A first session is already new, and must not be replaced during its handshake.
    const { transport } = await this.#firstSession();
    return transport.snapshot();
  }

  /**
   * Makes room for a client: closes the connection unless a call is under way on it. Resolves when the
   * session has ended, or at once when the server does not answer now. Never rejects.
   */
  async yield(): Promise<void> {
    const link = this.#link;
    if (!link || this.#calls > 0 || this.#waiting.size > 0) return;
    const isReady = link.transport.snapshot().status === 'ready';
    this.#cancelRetry?.();
    link.lists.stop();
    this.#link = undefined;
    const closed = link.client.close().catch(() => {});
    this.#parts.onChange();
    if (isReady) await closed;
  }

  /** Ends the session and the connection. Never rejects; bounded by the transport's limit. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRetry?.();
    this.#link?.lists.stop();
    // The successor must not start before the predecessor's session has ended either.
    await this.#parts.isFree;
    await this.#link?.client.close().catch(() => {});
  }

  #open(): Link {
    this.#cancelRetry?.();
    const { open, onChange, onFact } = this.#parts;
    const transport = open();
    const client = new Client(this.#clientInfo, { jsonSchemaValidator: uncheckedOutput });
    transport.journal.subscribe(({ seq: _, at, ...fact }) => onFact(fact, at));
    const opened = client.connect(transport, { timeout: NEVER_MS });
    const lists = this.#listsOf({ client, transport });
    const link: Link = { client, transport, lists, isOpen: false };
    this.#link = link;
    transport.onDidChange((connection) => {
      if (this.#link !== link) return;
      // Changes at a new session arrive as list_changed; this is for a count that failed before.
      if (connection.status === 'ready' && link.isOpen) lists.refreshIfStale();
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
    // Paused and resumed during the handshake: the waiting calls get the newer link.
    if (this.#link !== link) {
      void link.client.close().catch(() => {});
      return;
    }
    for (const settle of [...this.#waiting]) settle({ link });
    link.lists.refresh();
  }

  #refused(link: Link, error: unknown): void {
    // Paused and resumed in the meantime: a newer link is under way.
    if (this.#link !== link) return;
    const outcome = { error: this.#isClosed ? this.#closedError() : error };
    for (const settle of [...this.#waiting]) settle(outcome);
    if (this.#isClosed) return;
    if (this.#isPaused) {
      this.#link = undefined;
      return;
    }
    const { clock, onFact, onChange } = this.#parts;
    const at = clock.monotonic();
    const reason = describeError(error);
    const failure = isResilientMcpError(error) ? error.code : 'PROTOCOL_VIOLATION';
    link.refusal = { reason, failure, at, retryAt: at + HANDSHAKE_RETRY_MS };
    this.#cancelRetry = clock.after(HANDSHAKE_RETRY_MS, () => this.#open(), { background: true });
    onFact({ kind: 'handshakeRefused', generation: 0, reason, waitMs: HANDSHAKE_RETRY_MS });
    onChange();
  }

  /** The link with its first session. A refused one is retried at once, because a call waits for it. */
  async #firstSession(signal?: AbortSignal): Promise<Link> {
    await this.#parts.isFree;
    if (this.#isClosed) throw this.#closedError();
    if (this.#isPaused) throw pausedError();
    const link = !this.#link || this.#link.refusal ? this.#open() : this.#link;
    return link.isOpen ? link : this.#untilOpened(signal);
  }

  /**
   * The link with the first session, within {@link FIRST_SESSION_PATIENCE_MS}. After a pause it may be
   * another one.
   */
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
      const cancel = this.#parts.clock.after(FIRST_SESSION_PATIENCE_MS, () =>
        settle({ error: this.#unavailable() }),
      );
      this.#waiting.add(settle);
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /**
   * Only tools are recorded as facts, because every display counts them; other counts are shown where space
   * allows.
   */
  #listsOf(link: Pick<Link, 'client' | 'transport'>): OwnLists {
    const { onFact, onCounted } = this.#parts;
    const generation = () => link.transport.snapshot().generation;
    return new OwnLists(link.client, {
      onCounted: (list, count) => {
        if (list === 'tools') onFact({ kind: 'toolsListed', generation: generation(), tools: count });
        onCounted(list, count);
      },
      onFailed: (list, reason) => {
        if (list === 'tools') onFact({ kind: 'toolsNotListed', generation: generation(), reason });
      },
    });
  }

  #unavailable(): ResilientMcpError {
    const trouble = this.connection?.trouble;
    return new ResilientMcpError(
      'SERVER_UNAVAILABLE',
      `No session with "${this.#parts.name}" yet${trouble ? `: ${trouble}` : ''}`,
      { advice: 'Attempts go on in the background. Check that the server runs and that its entry is right.' },
    );
  }

  #closedError(): ResilientMcpError {
    return closedError(this.#parts.name);
  }
}

/** Replaces the SDK's default validator, which generates code from the server's schemas. */
const uncheckedOutput: jsonSchemaValidator = {
  getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
};

function closedError(name: string): ResilientMcpError {
  return new ResilientMcpError('CONNECTION_CLOSED', `The connection to "${name}" was closed`);
}
