import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../base/environment.ts';

/** How long a new connection may take to bring its token before those that wait longer than it make room, in ms. */
const GRACE_MS = 1000;
/** How often it is said that there was no room, in ms: once for all that were turned away since. */
const TELL_EVERY_MS = 10_000;

/**
 * Requests on one connection that wait for their answers. A client of MCP sends none before it has the answer to the last;
 * who sends them without end and reads nothing would have all answers held for it.
 */
const MAX_WAITING_REQUESTS = 16;

export interface OpenConnectionsOptions {
  readonly maxConnections: number;
  readonly clock: Clock;
  /** The token that a request brings: the one that clients keep, another that lets it in, or none. */
  readonly tokenOf: (request: IncomingMessage) => 'lasting' | 'other' | 'none';
  /** Told of connections for which there was no room, in words. */
  readonly onRefused: (reason: string) => void;
}

/**
 * The connections of a listener, and who of them leaves when one more comes than there is room for: first whoever has
 * not shown a token for a while, then who has been idle for longest, then whoever has not shown a token at all. A
 * client whose idle connection is closed makes another; one that waits for an answer is never cut. Only where all wait
 * is the new one turned away.
 */
export class OpenConnections {
  readonly #options: OpenConnectionsOptions;
  /** Those that have shown no token, and since when they are here. The oldest comes first, as in all maps here. */
  readonly #unproven = new Map<Socket, number>();
  /** Those that have shown the token that clients keep. */
  readonly #lasting = new Set<Socket>();
  /** Those whose last answer was sent, and how much they had said by then. */
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

  /** A request has come, and its answer will be written to `response`. Whether it is to be served. */
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

  /** Resolves when no answer is on its way out. */
  async sent(): Promise<void> {
    if (this.#answers.size > 0) await new Promise<void>((resolve) => this.#none.add(resolve));
  }

  /** Ends those that have shown the token that clients keep, with what is under way on them: it is another one now. */
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
    // The newcomer itself where all others wait for an answer.
    (idle ?? oldest)?.destroy();
    if (!idle) this.#tell();
  }

  /** One that says something just now is not idle, though its request is not whole. */
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
