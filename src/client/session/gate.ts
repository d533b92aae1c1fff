import type { Clock } from '../../base/environment.ts';
import { ResilientMcpError } from '../../protocol/errors.ts';
import type { Session } from './session.ts';
import {
  type ConnectionEvent,
  type ConnectionState,
  initialState,
  isHealing,
  isUsable,
  transition,
} from './state.ts';

/** Someone who waits for a session. */
export interface Waiter {
  readonly signal: AbortSignal;
  /** What is left of the caller's patience, in ms; counted down while it waits. */
  patienceMs: number;
  /** Whether the caller has already had an attempt made for it while the connection was down. */
  triggeredAttempt: boolean;
}

interface Waiting {
  readonly waiter: Waiter;
  /** For a caller that came while down: the first attempt to begin after it came. Its failure is the answer. */
  readonly untilAttempt: number;
  readonly settle: (result: Session | ResilientMcpError) => void;
}

export interface GateEvents {
  readonly onChange: (state: ConnectionState, previous: ConnectionState) => void;
  /** An attempt is wanted now, such as by a caller that came while the connection is down. */
  readonly onWanted: () => void;
}

/**
 * Holds the state and the current session of a connection, and everyone who waits for the next. The only place that
 * changes either. No waiter is ever left: each is settled by a state, by its patience, or by its signal.
 */
export class Gate {
  readonly #clock: Clock;
  readonly #events: GateEvents;
  readonly #waiting = new Set<Waiting>();
  readonly #watching = new Set<() => void>();
  readonly #whenAwaited = new Set<() => void>();
  #state: ConnectionState;
  #session: Session | undefined;

  constructor(clock: Clock, events: GateEvents) {
    this.#clock = clock;
    this.#events = events;
    this.#state = initialState(clock.monotonic());
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The session held now or, while a new one is being opened, the one held last. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** Whether anyone waits; then the wait for the next attempt keeps the process alive. */
  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  /** Whether this session is still the current one. */
  isCurrent(session: Session): boolean {
    return this.#session === session && this.#state.generation === session.generation;
  }

  apply(event: ConnectionEvent): void {
    this.#change(transition(this.#state, event, this.#clock.monotonic()));
  }

  /** An attempt is wanted now. */
  want(): void {
    this.#events.onWanted();
  }

  /** Puts a new session in place; it becomes the next generation. */
  open(session: Session): void {
    this.#session = session;
    this.apply({ kind: 'opened' });
  }

  /**
   * The current session, as soon as there is one.
   * @throws ResilientMcpError `SERVER_UNAVAILABLE`, `SESSION_NOT_KEPT`, `UNAUTHORIZED`, `CONNECTION_CLOSED`,
   *   `INVALID_STATE`
   */
  ready(waiter: Waiter): Promise<Session> {
    const now = this.#settled(this.#state);
    if (now) return now instanceof Error ? Promise.reject(now) : Promise.resolve(now);
    if (this.#state.kind === 'down' && waiter.triggeredAttempt && Number.isFinite(waiter.patienceMs))
      return Promise.reject(this.#failure(this.#state));
    return this.#wait(waiter);
  }

  /** Resolves at the next change of state, or when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return signal.aborted ? Promise.resolve() : resolvedBy(this.#watching, signal);
  }

  /** Resolves when somebody waits, or when `signal` aborts. */
  awaited(signal: AbortSignal): Promise<void> {
    if (this.isAwaited || signal.aborted) return Promise.resolve();
    return resolvedBy(this.#whenAwaited, signal);
  }

  #wait(waiter: Waiter): Promise<Session> {
    const startedAt = this.#clock.monotonic();
    const promise = new Promise<Session>((resolve, reject) => {
      const settle = (result: Session | ResilientMcpError) => {
        this.#waiting.delete(waiting);
        stopClock();
        waiter.signal.removeEventListener('abort', onAbort);
        waiter.patienceMs -= this.#clock.monotonic() - startedAt;
        if (result instanceof Error) reject(result);
        else resolve(result);
      };
      const onAbort = () => settle(new ResilientMcpError('CONNECTION_CLOSED', 'The request was given up.'));
      const stopClock = Number.isFinite(waiter.patienceMs)
        ? this.#clock.after(Math.max(0, waiter.patienceMs), () => settle(this.#failure(this.#state)))
        : () => {};
      const waiting: Waiting = {
        waiter,
        settle,
        untilAttempt: this.#state.kind === 'down' ? this.#state.attempt + 1 : 0,
      };
      this.#waiting.add(waiting);
      for (const tell of [...this.#whenAwaited]) tell();
      if (waiter.signal.aborted) onAbort();
      else waiter.signal.addEventListener('abort', onAbort, { once: true });
    });
    if (this.#state.kind === 'down') {
      waiter.triggeredAttempt = true;
      this.want();
    }
    return promise;
  }

  #change(next: ConnectionState): void {
    const previous = this.#state;
    if (next === previous) return;
    this.#state = next;
    this.#events.onChange(next, previous);
    for (const done of [...this.#watching]) done();
    // A listener may have changed the state again; then that change has settled everyone.
    if (this.#state !== next) return;
    for (const waiting of [...this.#waiting]) {
      const result = this.#settled(next) ?? this.#givenUp(waiting, next);
      if (result) waiting.settle(result);
    }
  }

  /** What the state means for everyone alike. */
  #settled(state: ConnectionState): Session | ResilientMcpError | undefined {
    if (isUsable(state)) return this.#session;
    if (state.kind === 'closed')
      return new ResilientMcpError('CONNECTION_CLOSED', 'The connection is closed.');
    if (state.kind === 'paused') return pausedError();
    if (state.kind === 'idle') {
      return new ResilientMcpError(
        'INVALID_STATE',
        'The transport has not been started: call start(), or connect a Client.',
      );
    }
    return undefined;
  }

  /** Down: those who waited through it are told at once; those who came later get the one attempt made for them. */
  #givenUp(waiting: Waiting, state: ConnectionState): ResilientMcpError | undefined {
    if (state.kind !== 'down' || waiting.waiter.patienceMs === Number.POSITIVE_INFINITY) return undefined;
    const attemptIsOver = state.nextAttemptAt !== undefined && state.attempt >= waiting.untilAttempt;
    return attemptIsOver ? this.#failure(state) : undefined;
  }

  #failure(state: ConnectionState): ResilientMcpError {
    if (!isHealing(state))
      return new ResilientMcpError('SERVER_UNAVAILABLE', 'The server did not answer in time.');
    const advice = 'Attempts go on in the background; a reset tries at once.';
    return new ResilientMcpError(state.failure, `No session with the server: ${state.trouble}`, { advice });
  }
}

/** Resolves when what is put among `listeners` is called, or when `signal` aborts. */
function resolvedBy(listeners: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      listeners.delete(done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    listeners.add(done);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** What a request to a paused connection is told. */
export function pausedError(): ResilientMcpError {
  return new ResilientMcpError(
    'CONNECTION_PAUSED',
    'The connection to this server is paused; the request was not sent.',
    { advice: 'Resume it where it was paused (in VS Code: "MCP: Resume Server"), then ask again.' },
  );
}
