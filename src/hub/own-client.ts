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
  /** Ends the call; the server is told. */
  readonly signal?: AbortSignal;
  /** How long the answer may take, recoveries included, in ms. Default 60,000, as in the SDK. */
  readonly timeoutMs?: number;
}

/** What the hub's own client needs of the server that it is at. */
export interface OwnClientParts {
  readonly name: string;
  readonly clock: Clock;
  /** Settles when a session may be opened: some servers hold a single one and refuse a second. */
  readonly isFree: Promise<void>;
  /** A new connection, not started. */
  readonly open: () => UpstreamConnection;
  /** Something that {@link OwnClient.connection} shows has changed. */
  readonly onChange: () => void;
  readonly onFact: (fact: HubFact['fact'], at?: number) => void;
  readonly onCounted: (list: ListKind, count: number) => void;
}

/** The hub's own client at a server. */
export type NewOwnClient = (parts: OwnClientParts) => OwnClient;

/** How long a call waits for the very first session, in ms. */
export const FIRST_SESSION_PATIENCE_MS = 30_000;
/** Until the next attempt when the client can't work with the server's answer to `initialize`, in ms. */
export const HANDSHAKE_RETRY_MS = 10_000;
/** Longest delay of a timer. The transport gives up on the first `initialize` only when it is closed. */
const NEVER_MS = 0x7fffffff;

interface Link {
  readonly client: Client;
  readonly transport: HealingTransport;
  readonly lists: OwnLists;
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
 * The hub's own client at one server: an SDK client over a connection that recovers by itself. It is opened where
 * something needs it, and holds at most one session.
 */
export class OwnClient {
  readonly #parts: OwnClientParts;
  readonly #clientInfo: { readonly name: string; readonly version: string };
  #link: Link | undefined;
  #isClosed = false;
  #isPaused = false;
  #calls = 0;
  /** Who waits for the first session. */
  readonly #waiting = new Set<Waiter>();
  #cancelRetry: CancelTimer | undefined;

  /** @param clientInfo what the server is told about the client */
  constructor(clientInfo: { readonly name: string; readonly version: string }, parts: OwnClientParts) {
    this.#clientInfo = clientInfo;
    this.#parts = parts;
  }

  /** Its connection; undefined while it has none. */
  get transport(): HealingTransport | undefined {
    return this.#link?.transport;
  }

  /** Its connection as a display sees it; undefined while it has none. */
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

  /** Opens its connection in the background, unless there is one. */
  connect(): void {
    void this.#parts.isFree.then(() => {
      if (!this.#isClosed && !this.#isPaused && !this.#link) this.#open();
    });
  }

  /** Ends the session, and opens none before {@link resume}. */
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
   * Calls a tool and gives the answer as the server sent it. Opens the connection where there is none.
   *
   * @throws ResilientMcpError as the transport does, `SERVER_UNAVAILABLE` when no first session could be had in time;
   *   the SDK's `McpError` for an error of the server's and for a call that took longer than `timeoutMs`.
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
      // Not client.callTool(): that one compiles the server's output schemas into code, to check what the caller checks.
      return await client.request(request, CallToolResultSchema, {
        ...(signal && { signal }),
        ...(timeoutMs !== undefined && { timeout: timeoutMs }),
      });
    } finally {
      this.#calls -= 1;
    }
  }

  /** A new session. @throws ResilientMcpError when it could not be had; attempts go on */
  async reset(): Promise<ConnectionSnapshot> {
    const link = this.#link;
    const isFinishing = link?.transport.snapshot().status === 'ready' && !link.isOpen;
    if (link && !link.refusal && !isFinishing) return link.transport.resetSession();
    // A first session is new enough; one whose handshake is not over must not be replaced under it.
    const { transport } = await this.#firstSession();
    return transport.snapshot();
  }

  /**
   * Makes room for a client: closes the connection unless a call is under way on it. Resolves when the session is ended;
   * at once when the server does not answer at the moment. Never rejects.
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

  /** Ends the session and the connection. Never rejects; how long it may take is the transport's bound. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRetry?.();
    this.#link?.lists.stop();
    // Whoever follows must not start before the predecessor's session has ended either.
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
      // What a new session changed comes as list_changed; this is for a count that could not be had before.
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
    // It was paused and resumed while its handshake ended: another one is under way, which the waiting calls get.
    if (this.#link !== link) {
      void link.client.close().catch(() => {});
      return;
    }
    for (const settle of [...this.#waiting]) settle({ link });
    link.lists.refresh();
  }

  #refused(link: Link, error: unknown): void {
    // It was paused and resumed meanwhile: another one is under way.
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

  /** The link once it holds its first session. A refused one is tried again at once: somebody waits for it. */
  async #firstSession(signal?: AbortSignal): Promise<Link> {
    await this.#parts.isFree;
    if (this.#isClosed) throw this.#closedError();
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
      const cancel = this.#parts.clock.after(FIRST_SESSION_PATIENCE_MS, () =>
        settle({ error: this.#unavailable() }),
      );
      this.#waiting.add(settle);
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** The facts are those of tools, which every display counts; the other counts are shown where there is room. */
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

/** Stands in for the SDK's default, which would generate code from what the server sent. */
const uncheckedOutput: jsonSchemaValidator = {
  getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
};

function closedError(name: string): ResilientMcpError {
  return new ResilientMcpError('CONNECTION_CLOSED', `The connection to "${name}" was closed`);
}
