import type { Clock } from '../../base/environment.ts';
import type { Refusal } from '../../protocol/refusal.ts';
import type { ServerFacts } from '../memory/handshake.ts';
import type { NegotiatedSession, Wire } from '../wire/wire.ts';

/** The server's own stream: not asked for yet, open, to be opened again, or none. */
export type StreamState = 'unknown' | 'open' | 'awaited' | 'none';

/** One session of a connection: what the server issued, and the way to it. */
export class Session {
  readonly generation: number;
  readonly wire: Wire;
  readonly negotiated: NegotiatedSession;
  /** In ms since the epoch: it is shown. */
  readonly openedAt: number;
  /** Aborted when the session is replaced or the connection closed: everything that lives with it ends. */
  readonly ended = new AbortController();
  /** What the server said of itself when it opened it; undefined when that was not heard. */
  server: ServerFacts | undefined;
  /** Whether that bears another name than the server of the session before. */
  isOfAnother = false;
  /** How often the server could not be reached in its time: after each, another may have taken its place. */
  outages = 0;
  /** Whether a request was answered on it. Health is proven by traffic, not by the handshake. */
  proven = false;
  /** Whether the server was away in its time: then its loss is a restart's, and no sign of a missing affinity. */
  disturbed = false;
  /** Whether it was begun by another connection, whose request ids are not known here. */
  readonly isResumed: boolean;
  /**
   * Whether the machine slept, or something like it, since the server was last heard: what looks open may be dead, and
   * what looks silent for a moment may have been for hours.
   */
  isDoubted = false;
  #heardAt: number;
  /** Whether the server's own stream is open: then the death of the server shows by itself. */
  get listening(): boolean {
    return this.#stream === 'open';
  }

  #stream: StreamState = 'unknown';
  readonly #whenStreamless = new Set<() => void>();
  /** How its requests were refused when a new one was opened on that; what comes later in this way is about it. */
  refusal: Refusal | undefined;
  #underWay = 0;
  readonly #whenIdle = new Set<() => void>();

  constructor(
    generation: number,
    wire: Wire,
    negotiated: NegotiatedSession,
    clock: Clock,
    isResumed = false,
  ) {
    this.generation = generation;
    this.wire = wire;
    this.negotiated = negotiated;
    this.openedAt = clock.now();
    this.#heardAt = clock.monotonic();
    this.isResumed = isResumed;
  }

  /** When the server was last heard on it, by the monotonic clock. */
  get heardAt(): number {
    return this.#heardAt;
  }

  set heardAt(moment: number) {
    this.#heardAt = moment;
    this.isDoubted = false;
  }

  set stream(stream: StreamState) {
    this.#stream = stream;
    if (stream === 'none') for (const tell of this.#whenStreamless) tell();
  }

  /** Calls `tell` once there is no stream of the server's, and none is to be expected; now, if that is so. */
  onStreamless(tell: () => void): { dispose(): void } {
    if (this.#stream === 'none') tell();
    this.#whenStreamless.add(tell);
    return { dispose: () => this.#whenStreamless.delete(tell) };
  }

  /** Whether a request is under way on it. */
  get isBusy(): boolean {
    return this.#underWay > 0;
  }

  /** Counts an exchange as under way until it settles. */
  async during<T>(exchange: Promise<T>): Promise<T> {
    this.#underWay++;
    try {
      return await exchange;
    } finally {
      this.#underWay--;
      if (this.#underWay === 0) for (const tell of this.#whenIdle) tell();
    }
  }

  /** Resolves when nothing is under way on it, or when `signal` aborts. */
  idle(signal: AbortSignal): Promise<void> {
    if (this.#underWay === 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#whenIdle.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#whenIdle.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
