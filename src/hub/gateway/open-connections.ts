import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../base/environment.ts';

/** Time for a new connection to authenticate before it may be evicted, in ms. */
const GRACE_MS = 1000;
/** Interval of reports about refused connections, in ms: one for all refused since the last. */
const TELL_EVERY_MS = 10_000;

/**
 * Limit of unanswered requests on one connection. An MCP client sends the next after the last answer. A
 * client that keeps sending and reads nothing would fill the memory with its answers.
 */
const MAX_WAITING_REQUESTS = 16;

export interface OpenConnectionsOptions {
  readonly maxConnections: number;
  readonly clock: Clock;
  /** The token of a request: the one that clients keep, another valid one, or none. */
  readonly tokenOf: (request: IncomingMessage) => 'lasting' | 'other' | 'none';
  /** Called for refused connections, with a message. */
  readonly onRefused: (reason: string) => void;
}

/**
 * The connections of a listener. At the limit a new connection evicts one: first one unauthenticated for a
 * while, then the longest idle, then any unauthenticated one. A client whose idle connection is closed opens
 * another; a connection waiting for an answer is never cut. When all are waiting, the new one is refused.
 */
export class OpenConnections {
  readonly #options: OpenConnectionsOptions;
  /** Unauthenticated connections, with their arrival time. Oldest first, as in all maps here. */
  readonly #unproven = new Map<Socket, number>();
  /** Connections authenticated with the lasting token. */
  readonly #lasting = new Set<Socket>();
  /** Connections whose last answer is sent, with the bytes received by then. */
  readonly #idle = new Map<Socket, number>();
  /** How many answers each of the others waits for. */
  readonly #busy = new Map<Socket, number>();
  readonly #answers = new Set<ServerResponse>();
  readonly #none = new Set<() => void>();
  #held = 0;
  #turnedAway = 0;
  #cancelTelling: (() => void) | undefined;

  constructor(options: OpenConnectionsOptions) {
    this.#options = options;
  }

  add(socket: Socket): void {
    this.#held += 1;
    this.#unproven.set(socket, this.#options.clock.monotonic());
    socket.once('close', () => this.#remove(socket));
    if (this.#held > this.#options.maxConnections) this.#makeRoom(socket);
  }

  /** Registers a request and its response. @returns whether to serve it */
  asked(request: IncomingMessage, response: ServerResponse): boolean {
    const { socket } = request;
    if (socket.destroyed) return false;
    if (this.#unproven.has(socket)) this.#look(request);
    this.#idle.delete(socket);
    const waiting = (this.#busy.get(socket) ?? 0) + 1;
    this.#busy.set(socket, waiting);
    this.#answers.add(response);
    response.once('close', () => this.#answered(socket, response));
    if (waiting > MAX_WAITING_REQUESTS) socket.destroy();
    return !socket.destroyed;
  }

  /** Resolves when no answer is being sent. */
  async sent(): Promise<void> {
    if (this.#answers.size > 0) await new Promise<void>((resolve) => this.#none.add(resolve));
  }

  /**
   * Destroys every connection authenticated with the lasting token, with its calls: the token has changed.
   */
  breakOff(): void {
    for (const socket of this.#lasting) socket.destroy();
  }

  close(): void {
    this.#cancelTelling?.();
  }

  #look(request: IncomingMessage): void {
    const token = this.#options.tokenOf(request);
    if (token !== 'none') this.#unproven.delete(request.socket);
    if (token === 'lasting') this.#lasting.add(request.socket);
  }

  #answered(socket: Socket, response: ServerResponse): void {
    this.#answers.delete(response);
    if (this.#answers.size === 0) for (const tell of this.#none) tell();
    const open = (this.#busy.get(socket) ?? 1) - 1;
    if (open > 0) this.#busy.set(socket, open);
    else this.#busy.delete(socket);
    if (open === 0 && !socket.destroyed && !this.#unproven.has(socket)) {
      this.#idle.set(socket, socket.bytesRead);
    }
  }

  #remove(socket: Socket): void {
    this.#held -= 1;
    for (const kind of [this.#unproven, this.#lasting, this.#idle, this.#busy]) kind.delete(socket);
  }

  #makeRoom(newcomer: Socket): void {
    const [oldest, since = 0] = this.#unproven.entries().next().value ?? [];
    const hadItsTime = this.#options.clock.monotonic() - since >= GRACE_MS;
    const idle = hadItsTime && oldest !== newcomer ? undefined : this.#longestIdle();
    // The new connection itself when all others wait for an answer.
    (idle ?? oldest)?.destroy();
    if (!idle) this.#tell();
  }

  /** A connection that is sending is not idle, even before its request is complete. */
  #longestIdle(): Socket | undefined {
    for (const [socket, said] of this.#idle) if (socket.bytesRead === said) return socket;
    return undefined;
  }

  #tell(): void {
    this.#turnedAway += 1;
    if (this.#cancelTelling) return;
    const { clock, onRefused, maxConnections } = this.#options;
    const count = this.#turnedAway;
    this.#turnedAway = 0;
    onRefused(`${maxConnections} connections are open (maxConnections); closed without an answer: ${count}`);
    const again = () => {
      this.#cancelTelling = undefined;
      if (this.#turnedAway > 0) {
        this.#turnedAway -= 1;
        this.#tell();
      }
    };
    this.#cancelTelling = clock.after(TELL_EVERY_MS, again, { background: true });
  }
}
