import type { ResilientMcpError } from '../../protocol/errors.ts';
import type { JSONRPCMessage, Request, RequestId, Response } from '../../protocol/message.ts';
import type { ScannedMessage } from '../../protocol/text/envelope-scan.ts';
import type { ConnectionOptions } from '../connection-options.ts';
import type { SessionMemory } from '../memory/session-memory.ts';
import type { Journal } from '../observe/journal.ts';
import { Recovery } from '../recovery/recovery.ts';
import { Replacement } from '../recovery/replacement.ts';
import { SharedOpening } from '../recovery/shared-opening.ts';
import { signsOfLife } from '../recovery/signs-of-life.ts';
import { UnprovenSessions } from '../recovery/unproven-sessions.ts';
import { WakeUp } from '../recovery/wake-up.ts';
import { worldWatchOf } from '../recovery/world-watch.ts';
import type { NegotiatedSession, TerminationResult, Wire, WireEvents } from '../wire/wire.ts';
import { FirstSession } from './first-session.ts';
import { Gate, pausedError } from './gate.ts';
import { SessionHealth } from './health.ts';
import { KnownRefusals } from './known-refusals.ts';
import { Pinger } from './pinger.ts';
import { Session } from './session.ts';
import { SessionOpener } from './session-opener.ts';
import { type ConnectionState, isHealing, nextAttempt, RESET } from './state.ts';
import { SessionTerminator } from './terminator.ts';
import { factsOfChange } from './transition-facts.ts';

/** What the keeper of a session tells of it. */
export type KeeperEvent =
  /** A session is in place, and requests go out on it. `replaces`: it takes the place of another. */
  | { readonly kind: 'opened'; readonly session: Session; readonly replaces: boolean }
  /** The session was let go of. */
  | { readonly kind: 'lost'; readonly session: Session }
  /** The server answers again, or may: whoever waits for it tries at once. */
  | { readonly kind: 'stirred' }
  /** The state has changed. */
  | { readonly kind: 'changed' }
  /** The server says something of its own accord. */
  | {
      readonly kind: 'message';
      readonly message: JSONRPCMessage;
      readonly generation: number;
      readonly streamOf: RequestId | undefined;
    }
  | {
      readonly kind: 'tooLong';
      readonly message: ScannedMessage;
      readonly error: ResilientMcpError;
      readonly generation: number;
    };

/** Holds the session of a connection, and gets another when it is lost. */
export class SessionKeeper {
  readonly gate: Gate;
  readonly health: SessionHealth;
  readonly opener: SessionOpener;
  readonly replacement: Replacement;
  readonly #options: ConnectionOptions;
  readonly #memory: SessionMemory;
  readonly #journal: Journal;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(event: KeeperEvent) => void>();
  readonly #first: FirstSession;
  readonly #recovery: Recovery;
  readonly #terminator: SessionTerminator;
  readonly #unproven: UnprovenSessions;
  readonly #wakeUp: WakeUp;

  constructor(options: ConnectionOptions, memory: SessionMemory, journal: Journal) {
    this.#options = options;
    this.#memory = memory;
    this.#journal = journal;
    const { environment, connector, recovery, connectPatienceMs, proofTimeoutMs } = options;
    const { clock, random, newId } = environment;
    const { attemptTimeoutMs: timeoutMs } = recovery;
    const closing = this.#closing.signal;
    const gate = new Gate(clock, {
      onChange: (state, previous) => this.#changed(state, previous),
      onWanted: () => this.#recovery.wake(),
    });
    const patienceMs = () => this.#patienceMs;
    const pinger = new Pinger({ clock, newId, closing, timeoutMs, proofTimeoutMs });
    const unproven = new UnprovenSessions(recovery.maxUnprovenSessions);
    const refusals = new KnownRefusals(clock);
    const health = new SessionHealth({ gate, pinger, refusals, unproven, clock, patienceMs });
    const terminator = new SessionTerminator({ clock, journal, closing, timeoutMs: options.closeTimeoutMs });
    const eventsOf = (generation: number) => this.#eventsOf(generation);
    const opener = new SessionOpener({ connector, environment, memory, journal, timeoutMs, eventsOf });
    const first = new FirstSession({
      gate,
      opener,
      memory,
      health,
      journal,
      clock,
      closing,
      connectPatienceMs,
    });
    const open = async (signal: AbortSignal) =>
      (await first.attempt(signal)) ?? opener.next(gate.state.generation + 1, signal);
    const opening = new SharedOpening({ gate, terminator, clock, options: recovery, closing, open });
    const replacement = new Replacement({ gate, pinger, opening, clock, options: recovery });
    this.#recovery = new Recovery({
      gate,
      health,
      opening,
      replacement,
      unproven,
      clock,
      random,
      options: recovery,
      connector,
      patienceMs,
    });
    this.#wakeUp = new WakeUp({
      gate,
      health,
      recovery: this.#recovery,
      clock,
      random,
      world: worldWatchOf(environment),
      connector,
      closing,
      onChange: () => this.#emit({ kind: 'stirred' }),
    });
    this.gate = gate;
    this.health = health;
    this.opener = opener;
    this.replacement = replacement;
    this.#first = first;
    this.#terminator = terminator;
    this.#unproven = unproven;
  }

  /** Aborted when the connection closes. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  get session(): Session | undefined {
    return this.gate.session;
  }

  /** Whether the server may still hold the session of the moment. */
  get mayBeHeld(): boolean {
    return keepsSession(this.gate.state) && this.session?.ended.signal.aborted === false;
  }

  /** Calls `listener` for every later event. */
  subscribe(listener: (event: KeeperEvent) => void): void {
    this.#listeners.add(listener);
  }

  /** Opens the first session: see {@link FirstSession}. */
  connect(initialize: Request): Promise<Response> {
    return this.#first.connect(initialize);
  }

  /** Takes over from an earlier connection, with the session that it held, if there is one: see {@link FirstSession}. */
  takeOver(initialize: Request): Promise<Response> {
    const { stored } = this.#options;
    const held = stored && { state: stored.state, wire: stored.attach(this.#eventsOf(1)) };
    return this.#first.takeOver(initialize, held);
  }

  /** Takes up a session that was opened elsewhere; if the server refuses it, it is replaced like any other. */
  attach(attach: (events: WireEvents) => Wire, negotiated: NegotiatedSession): void {
    this.#memory.handshake.initialized = true;
    this.#memory.catalog.hasGaps = true;
    this.gate.apply({ kind: 'started' });
    const { clock } = this.#options.environment;
    this.gate.open(new Session(1, attach(this.#eventsOf(1)), negotiated, clock, true));
  }

  /** A request was answered on a session. */
  noteProof(session: Session): void {
    session.proven = true;
    this.#tellOfLife();
    session.heardAt = this.#options.environment.clock.monotonic();
    this.#unproven.reset();
  }

  /**
   * Ends the session and opens a new one. One that is asked for during a recovery follows it.
   * @throws ResilientMcpError `SERVER_UNAVAILABLE` and its like when none could be had; attempts go on
   */
  async reset(): Promise<void> {
    const { generation, kind } = this.gate.state;
    if (kind === 'paused') throw pausedError();
    this.#journal.record({ kind: 'resetRequested', generation });
    this.gate.apply({ kind: 'resetRequested', generation });
    this.#recovery.renew();
    const { patienceMs } = this.#options;
    await this.gate.ready({ signal: this.closing, patienceMs, triggeredAttempt: false });
  }

  /** Ends the session, and sends nothing more until it is resumed. What is under way is still answered. */
  pause(): void {
    this.gate.apply({ kind: 'paused' });
    // Its next attempt finds that none is wanted.
    this.#recovery.wake();
  }

  /** Opens a new session, if it was paused. */
  resume(): void {
    if (this.gate.state.kind !== 'paused') return;
    this.gate.apply({ kind: 'resumed' });
    // Its client was initialized before it, and will not say so again.
    if (this.#memory.handshake.initialized) this.gate.apply({ kind: 'started' });
    this.#recovery.wake();
  }

  /** Makes the next attempt now, if the connection is without a session: what stood in the way may be gone. */
  retry(): void {
    this.#recovery.wake();
    this.#emit({ kind: 'stirred' });
  }

  /** Ends the session with DELETE, and leaves it so; the next request opens a new one. */
  async terminate(): Promise<TerminationResult | undefined> {
    const { session } = this;
    if (!session || this.gate.state.kind === 'closed') return undefined;
    session.ended.abort();
    return this.#terminator.end(session);
  }

  /**
   * Ends everything: nothing waits, nothing is retried, no timer is left. Bounded by `closeTimeoutMs`.
   * @param endsSession whether the server is told
   */
  async close(endsSession: boolean): Promise<void> {
    const { session } = this;
    // One that is down would only take its time to say nothing.
    const isToBeEnded = endsSession && this.mayBeHeld && this.gate.state.kind !== 'down';
    this.gate.apply({ kind: 'closed' });
    this.#closing.abort();
    this.#recovery.stop();
    session?.ended.abort();
    session?.wire.abort();
    if (session && isToBeEnded) await this.#terminator.end(session);
  }

  /** How long the connection is tried before it is called down, and one request waits, in ms. */
  get #patienceMs(): number {
    const { patienceMs, connectPatienceMs } = this.#options;
    const isConnected = this.gate.state.generation > 0 || this.#first.isForEver;
    return isConnected ? patienceMs : connectPatienceMs;
  }

  #changed(state: ConnectionState, previous: ConnectionState): void {
    this.#wakeUp.start();
    if (state.kind === 'ready') this.#tellOfLife();
    const now = this.#options.environment.clock.monotonic();
    for (const fact of factsOfChange(state, previous, now)) this.#journal.record(fact);
    if (state.generation > previous.generation) this.#opened(state, previous);
    if (state.kind === 'recovering' && previous.kind !== 'recovering') this.#lose(state.trouble === RESET);
    if (state.kind === 'paused') this.#lose(keepsSession(previous));
    if (state.kind === 'ready' && previous.kind !== 'ready') this.#emit({ kind: 'stirred' });
    this.#emit({ kind: 'changed' });
    this.#recovery.start();
  }

  /** A new session is in place. */
  #opened(state: ConnectionState, previous: ConnectionState): void {
    const { session } = this;
    if (!session) return;
    // Replaced before anyone used it, by a reset asked for during the recovery.
    if (state.kind !== 'ready') void this.#terminator.end(session);
    else this.#emit({ kind: 'opened', session, replaces: previous.generation > 0 });
  }

  /** The session is let go of. */
  #lose(mayBeHeld: boolean): void {
    const { session } = this;
    if (!session || session.ended.signal.aborted) return;
    void this.#terminator.retire(session, mayBeHeld);
    this.#emit({ kind: 'lost', session });
  }

  #tellOfLife(): void {
    const { origin } = this.#options.connector;
    if (origin !== undefined) signsOfLife.tell(origin);
  }

  #eventsOf(generation: number): WireEvents {
    return {
      onWarning: (error) => this.#options.onWarning(error),
      onFailure: (failure) => this.#journal.record({ kind: 'exchangeFailed', generation, ...failure }),
      onOutput: (text) => this.#journal.record({ kind: 'serverWrote', generation, text }),
      onTooLong: (message, error) => this.#emit({ kind: 'tooLong', message, error, generation }),
      onMessage: (message, streamOf) => {
        const { session } = this;
        if (session?.generation === generation) session.heardAt = this.#options.environment.clock.monotonic();
        this.#emit({ kind: 'message', message, generation, streamOf });
      },
    };
  }

  #emit(event: KeeperEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** Whether the server holds the session of this state, as far as is known. */
function keepsSession(state: ConnectionState): boolean {
  return state.kind === 'ready' || (isHealing(state) && nextAttempt(state) === 'ask');
}
