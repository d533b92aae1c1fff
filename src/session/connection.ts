import { ResilientMcpError } from '../protocol/errors.ts';
import {
  isRequest,
  isResponse,
  type JSONRPCMessage,
  type Notification,
  type Request,
  type RequestId,
  type Response,
} from '../protocol/message.ts';
import { Calls } from './calls.ts';
import { Catalog } from './catalog.ts';
import { factsOfChange } from './chronicle.ts';
import { deadline, type Environment } from './environment.ts';
import { Gate } from './gate.ts';
import { Handshake } from './handshake.ts';
import { History } from './history.ts';
import { Journal, type Subscription } from './journal.ts';
import { Listening } from './listening.ts';
import { Notices } from './notices.ts';
import type { Limits, RecoveryOptions, ReplayOptions } from './options.ts';
import { type AttemptResult, openingFailure, Recovery } from './recovery.ts';
import { Renewal } from './renewal.ts';
import { Restoration } from './restoration.ts';
import { ServerRequests } from './server-requests.ts';
import { Session } from './session.ts';
import { type ConnectionSnapshot, snapshotOf } from './snapshot.ts';
import { type ConnectionState, isHealing } from './state.ts';
import type { Agreement, OpenOutcome, Wire, WireEvents, WireMaker } from './wire.ts';

/** How long a replaced session may finish what is under way on it, in ms. */
const DRAIN_MS = 10_000;

export interface ConnectionOptions {
  readonly maker: WireMaker;
  readonly environment: Environment;
  readonly limits: Limits;
  readonly recovery: RecoveryOptions;
  readonly replay: ReplayOptions;
  readonly patienceMs: number;
  readonly connectPatienceMs: number;
  readonly proofAfterMs: number;
  readonly idlePingMs: number;
  readonly streamDelayMs: number;
  readonly maxStreamDelayMs: number;
  readonly endSessionOnClose: boolean;
  readonly closeTimeoutMs: number;
  /** Everything the server says, and what the connection says in its place. */
  readonly onMessage: (message: JSONRPCMessage) => void;
  readonly onWarning: (error: Error) => void;
}

/** The first `initialize`, and what came of it. */
interface FirstConnect {
  readonly request: Request;
  answer?: Response;
  error?: ResilientMcpError;
}

/**
 * One connection that heals itself. It outlives its sessions: it opens the first with the client's own `initialize`,
 * replaces it when it is lost, and carries every request over the change.
 */
export class Connection {
  readonly journal: Journal;
  readonly #options: ConnectionOptions;
  readonly #gate: Gate;
  readonly #recovery: Recovery;
  readonly #renewal: Renewal;
  readonly #calls: Calls;
  readonly #listening: Listening;
  readonly #notices: Notices;
  readonly #history: History;
  readonly #restoration: Restoration;
  readonly #handshake = new Handshake();
  readonly #catalog = new Catalog();
  readonly #serverRequests = new ServerRequests();
  readonly #listeners = new Set<(snapshot: ConnectionSnapshot) => void>();
  readonly #closing = new AbortController();
  #first: FirstConnect | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { environment, limits } = options;
    const { clock, random, newId } = environment;
    this.journal = new Journal({ capacity: limits.maxJournalEntries, now: () => clock.now() });
    this.#history = new History(this.journal);
    this.#restoration = new Restoration(limits.maxSubscriptions);
    this.#gate = new Gate(clock, {
      onChange: (state, previous) => this.#onChange(state, previous),
      onWanted: () => this.#recovery.wake(),
    });
    this.#recovery = new Recovery({
      gate: this.#gate,
      clock,
      random,
      newId,
      options: options.recovery,
      patienceMs: () => this.#patienceMs(),
      open: (signal) => this.#open(signal),
      onAnswered: (session) => {
        session.heardAt = clock.now();
      },
    });
    const shared = {
      gate: this.#gate,
      recovery: this.#recovery,
      catalog: this.#catalog,
      journal: this.journal,
      clock,
      random,
    };
    this.#renewal = new Renewal({
      maker: options.maker,
      environment,
      options: options.recovery,
      handshake: this.#handshake,
      restoration: this.#restoration,
      catalog: this.#catalog,
      journal: this.journal,
      eventsOf: (generation) => this.#eventsOf(generation),
      onListChanged: (notification) => options.onMessage(notification),
    });
    this.#calls = new Calls({
      ...shared,
      limits,
      recoveryOptions: options.recovery,
      replay: options.replay,
      patienceMs: options.patienceMs,
      proofAfterMs: options.proofAfterMs,
      resumeDelayMs: options.streamDelayMs,
      onAnswered: (request, response, session) => this.#learn(request, response, session),
    });
    this.#notices = new Notices({
      gate: this.#gate,
      recovery: this.#recovery,
      signal: this.#closing.signal,
      patienceMs: options.patienceMs,
      maxAttempts: options.recovery.maxUnprovenSessions + 1,
      onLost: (session, reason) => this.#lose(session, reason),
    });
    this.#listening = new Listening({
      ...shared,
      initialDelayMs: options.streamDelayMs,
      maxDelayMs: options.maxStreamDelayMs,
      idlePingMs: options.idlePingMs,
      onLost: (session, reason) => this.#lose(session, reason),
      onUnavailable: ({ generation }, reason) =>
        this.#gate.apply({ kind: 'unavailable', generation, reason }),
    });
  }

  get session(): Session | undefined {
    return this.#gate.session;
  }

  /**
   * Opens the first session with the client's own `initialize`, whose answer is the server's own.
   * @throws ResilientMcpError what the server refused it with, or `SERVER_UNAVAILABLE` after `connectPatienceMs`
   */
  async connect(initialize: Request): Promise<Response> {
    if (this.#gate.state.kind !== 'idle') {
      throw new ResilientMcpError('INVALID_STATE', 'This connection was initialized before.', {
        advice: 'Connect a new client with a new transport.',
      });
    }
    const first: FirstConnect = { request: initialize };
    this.#first = first;
    this.#handshake.remember(initialize);
    this.#gate.apply({ kind: 'started' });
    const patienceMs = Number.POSITIVE_INFINITY;
    const opened = this.#gate.ready({ signal: this.#closing.signal, patienceMs, hasWoken: false });
    await (this.#connectsForEver ? opened : Promise.race([opened, this.#untilDown()]));
    if (first.answer) return first.answer;
    throw first.error ?? this.#unavailable();
  }

  /** Takes up a session that was opened elsewhere; if the server refuses it, it is replaced like any other. */
  adopt(wire: (events: WireEvents) => Wire, agreement: Agreement): void {
    this.#handshake.initialized = true;
    this.#gate.apply({ kind: 'started' });
    const now = this.#options.environment.clock.now();
    this.#gate.open(new Session(1, wire(this.#eventsOf(1)), agreement, now));
  }

  request(request: Request): Promise<Response | undefined> {
    return this.#calls.run(request);
  }

  /** Sends a notification of the client, on the session that it is about. */
  async notify(notification: Notification): Promise<void> {
    switch (notification.method) {
      case 'notifications/cancelled':
        return this.#cancel(notification);
      case 'notifications/progress': {
        // Progress on a request of an old session means nothing to the new one.
        const from = this.#serverRequests.generationOfProgress(notification.params?.progressToken);
        return from === undefined || from === this.#gate.state.generation
          ? this.#notices.deliver(notification)
          : undefined;
      }
      case 'notifications/initialized':
        await this.#notices.deliver(notification);
        this.#handshake.initialized = true;
        if (this.session) this.#listen(this.session);
        return;
      default:
        return this.#notices.deliver(notification);
    }
  }

  /** Sends the client's answer to a request of the server, unless the session that asked is gone. */
  async respond(response: Response): Promise<void> {
    const id = response.id as RequestId;
    const from = this.#serverRequests.generationOf(id);
    this.#serverRequests.settle(id);
    const { session } = this;
    if (!session || from !== session.generation) return;
    const outcome = await session.wire.notify(response);
    if (outcome.kind === 'lost') this.#lose(session, outcome.because);
  }

  /**
   * Ends the session and opens a new one. One that is asked for during a recovery follows it.
   * @throws ResilientMcpError `SERVER_UNAVAILABLE` and its like when none could be had; attempts go on
   */
  async reset(): Promise<ConnectionSnapshot> {
    const { generation } = this.#gate.state;
    this.journal.record({ kind: 'resetRequested', generation });
    this.#gate.apply({ kind: 'resetRequested', generation });
    this.#recovery.wake();
    const { patienceMs } = this.#options;
    await this.#gate.ready({ signal: this.#closing.signal, patienceMs, hasWoken: false });
    return this.snapshot();
  }

  /** Ends the session with DELETE, and leaves it so; the next request opens a new one. */
  async terminate(): Promise<void> {
    const { session } = this;
    if (!session || this.#gate.state.kind === 'closed') return;
    session.ended.abort();
    const outcome = await this.#end(session);
    if (outcome !== 'failed') return;
    throw new ResilientMcpError(
      'SERVER_UNAVAILABLE',
      'The server did not take the end of the session (DELETE).',
    );
  }

  /** Ends everything: nothing waits, nothing is retried, no timer is left. Bounded by `closeTimeoutMs`. */
  async close(): Promise<void> {
    const { state, session } = this.#gate;
    if (state.kind === 'closed') return;
    const mayBeHeld = state.kind === 'ready' || state.kind === 'unreachable';
    const isToBeEnded =
      mayBeHeld && session?.ended.signal.aborted === false && this.#options.endSessionOnClose;
    this.#gate.apply({ kind: 'closed' });
    this.#closing.abort();
    this.#recovery.stop();
    session?.ended.abort();
    session?.wire.abort();
    if (session && isToBeEnded) await this.#end(session);
    this.journal.record({ kind: 'connectionClosed', generation: state.generation });
  }

  snapshot(): ConnectionSnapshot {
    const { state, session } = this.#gate;
    return snapshotOf(
      state,
      state.generation > 0 ? session : undefined,
      this.#handshake.server,
      this.#history,
    );
  }

  /** Calls `listener` after every change of state. What it throws is swallowed. */
  onDidChange(listener: (snapshot: ConnectionSnapshot) => void): Subscription {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }

  get #connectsForEver(): boolean {
    return !Number.isFinite(this.#options.connectPatienceMs);
  }

  #patienceMs(): number {
    const { patienceMs, connectPatienceMs } = this.#options;
    return this.#gate.state.generation > 0 || this.#connectsForEver ? patienceMs : connectPatienceMs;
  }

  async #open(signal: AbortSignal): Promise<AttemptResult> {
    const { generation } = this.#gate.state;
    const first = this.#first;
    if (generation > 0 || !first) return this.#renewal.next(generation + 1, signal);
    const { outcome, session } = await this.#renewal.first(first.request, signal);
    if (session && outcome.kind === 'opened') {
      first.answer = outcome.response;
      return { kind: 'opened', session };
    }
    return this.#firstFailure(first, outcome);
  }

  /** A first handshake that was refused is the client's to know, at once; one that met nobody is tried again. */
  #firstFailure(first: FirstConnect, outcome: OpenOutcome): AttemptResult {
    if (outcome.kind === 'opened') throw new TypeError('an opened session is no failure');
    const failure = openingFailure(outcome);
    if (this.#connectsForEver) return failure;
    if (outcome.kind === 'refused') first.answer = outcome.response as Response;
    if (outcome.kind === 'failed') first.error = outcome.error;
    return { ...failure, final: outcome.kind === 'refused' || outcome.kind === 'failed' };
  }

  #onChange(state: ConnectionState, previous: ConnectionState): void {
    const now = this.#options.environment.clock.now();
    for (const fact of factsOfChange(state, previous, now)) this.journal.record(fact);
    if (state.generation > previous.generation) this.#begin(state, previous);
    if (state.kind === 'recovering' && previous.kind !== 'recovering') this.#retire(state.trouble);
    const snapshot = this.snapshot();
    for (const listener of [...this.#listeners]) {
      try {
        listener(snapshot);
      } catch {
        // A display must not be able to break the connection it shows.
      }
    }
    this.#recovery.start();
  }

  /** A new session is in place. */
  #begin(state: ConnectionState, previous: ConnectionState): void {
    const { session } = this;
    if (!session) return;
    if (state.kind !== 'ready') {
      // Replaced before anyone used it, by a reset asked for during the recovery.
      void this.#end(session);
      return;
    }
    if (!this.#handshake.initialized) return;
    this.#listen(session);
    if (previous.generation > 0) void this.#renewal.compareLists(session);
  }

  #listen(session: Session): void {
    if (session.generation === this.#gate.state.generation) void this.#listening.keep(session);
  }

  /**
   * The session is being replaced. Its stream ends at once; requests under way on it may still be answered, since
   * aborting them would turn a refusal that is about to come into an outcome that nobody knows.
   */
  #retire(reason: string): void {
    const { session } = this;
    if (!session || session.ended.signal.aborted) return;
    session.ended.abort();
    for (const cancelled of this.#serverRequests.cancel(session.generation))
      this.#options.onMessage(cancelled);
    void this.#drain(session, reason === 'reset on request');
  }

  async #drain(session: Session, mayBeHeld: boolean): Promise<void> {
    const { clock } = this.#options.environment;
    const limit = deadline(clock, DRAIN_MS, this.#closing.signal);
    await session.idle(limit.signal);
    limit.release();
    if (mayBeHeld) await this.#end(session);
    session.wire.abort();
  }

  /** Tells the server that the session is no longer needed. */
  async #end(session: Session): Promise<string> {
    const { environment, closeTimeoutMs } = this.#options;
    const limit = deadline(environment.clock, closeTimeoutMs);
    const outcome = await session.wire.end(limit.signal).finally(limit.release);
    this.journal.record({ kind: 'sessionEnded', generation: session.generation, outcome });
    return outcome;
  }

  #lose(session: Session, reason: string): void {
    if (!this.#gate.isCurrent(session)) return;
    this.#recovery.noteLoss(session);
    this.#gate.apply({ kind: 'lost', generation: session.generation, reason });
  }

  /** A request was answered: the session is proven, and what the answer says of its state is remembered. */
  #learn(request: Request, response: Response, session: Session): void {
    session.proven = true;
    session.heardAt = this.#options.environment.clock.now();
    this.#recovery.noteProof();
    this.#restoration.observe(request, response);
    this.#catalog.observe(request, response, session.generation);
  }

  #eventsOf(generation: number): WireEvents {
    return {
      onWarning: (error) => this.#options.onWarning(error),
      onMessage: (message) => {
        const session = this.#gate.session;
        if (session?.generation === generation) session.heardAt = this.#options.environment.clock.now();
        if (isResponse(message)) {
          // An answer may come on the server's own stream; nobody else waits for one.
          this.#calls.get(message.id as RequestId)?.answerElsewhere(message);
          return;
        }
        // A request of a session that is gone can't be answered any more.
        if (isRequest(message) && generation < this.#gate.state.generation) return;
        this.#serverRequests.observe(message, generation);
        this.#options.onMessage(message);
      },
    };
  }

  /** The client gives a request up: told to the server only if it holds it. */
  async #cancel(notification: Notification): Promise<void> {
    const call = this.#calls.get(notification.params?.requestId as RequestId);
    if (!call) return;
    const { session } = call;
    try {
      if (session && !session.ended.signal.aborted) await session.wire.notify(notification);
    } finally {
      call.cancel();
    }
  }

  async #untilDown(): Promise<void> {
    while (this.#gate.state.kind === 'connecting') await this.#gate.changed(this.#closing.signal);
  }

  #unavailable(): ResilientMcpError {
    const { state } = this.#gate;
    if (!isHealing(state)) return new ResilientMcpError('CONNECTION_CLOSED', 'The connection was closed.');
    return new ResilientMcpError(state.failure, `The server could not be reached: ${state.trouble}`, {
      advice: 'Is the server running, and is the address right?',
    });
  }
}
