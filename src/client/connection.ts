import { deadline, nextTurn, wallTime } from '../base/environment.ts';
import type { ScannedMessage } from '../protocol/envelope-scan.ts';
import { ResilientMcpError } from '../protocol/errors.ts';
import {
  cancelledId,
  isRequest,
  isResponse,
  isResultResponse,
  type Notification,
  type Request,
  type RequestId,
  type Response,
  tokenOf,
} from '../protocol/message.ts';
import { withId, withValue } from '../protocol/message-text.ts';
import type { JournalReader, Subscription } from './observe/journal.ts';
import type { MetricsSnapshot } from './observe/metrics.ts';
import { type ConnectionSnapshot, snapshotOf } from './observe/snapshot.ts';
import { type HeldSession, Opening } from './opening/opening.ts';
import { type ConnectionOptions, createParts, type Parts } from './parts.ts';
import type { AttemptResult } from './recovery/attempt.ts';
import { factsOfChange } from './session/chronicle.ts';
import { pausedError } from './session/gate.ts';
import { Session } from './session/session.ts';
import { signsOfLife } from './session/signs-of-life.ts';
import { type ConnectionState, isHealing, nextAttempt, RESET } from './session/state.ts';
import type { Agreement, Wire, WireEvents } from './wire/wire.ts';

/** JSON-RPC's "invalid request". */
const TOO_LONG = -32600;
const TOOLS_CHANGED = 'notifications/tools/list_changed';

/**
 * One connection that heals itself. It outlives its sessions: it opens the first with the client's own `initialize`,
 * replaces it when it is lost, and carries every request over the change.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #parts: Parts;
  readonly #listeners = new Set<(snapshot: ConnectionSnapshot) => void>();
  readonly #closing = new AbortController();
  readonly #opening: Opening;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#parts = createParts(options, {
      closing: this.#closing.signal,
      onChange: (state, previous) => this.#onChange(state, previous),
      open: async (signal) =>
        this.#ifWanted((await this.#opening.attempt(signal)) ?? (await this.#renew(signal))),
      patienceMs: () => this.#patienceMs(),
      eventsOf: (generation) => this.#eventsOf(generation),
      onAnswered: (request, response, session) => this.#learn(request, response, session),
      onWorldChange: () => this.#parts.listening.wake(),
    });
    const { environment, connectPatienceMs } = options;
    const closing = this.#closing.signal;
    this.#opening = new Opening({ parts: this.#parts, clock: environment.clock, closing, connectPatienceMs });
  }

  get journal(): JournalReader {
    return this.#parts.journal.reader;
  }

  /** Notes a line that the server of the current session wrote beside the protocol. */
  serverWrote(text: string): void {
    const { gate, journal } = this.#parts;
    journal.record({ kind: 'serverWrote', generation: gate.state.generation, text });
  }

  get session(): Session | undefined {
    return this.#parts.gate.session;
  }

  /** What another connection needs to go on with this one's session; undefined while there is none that it could. */
  get resumable(): HeldSession['state'] | undefined {
    const { gate, handshake, settings, catalog } = this.#parts;
    const { sessionId, protocolVersion } = gate.session?.agreement ?? {};
    const { answer: server, initialized } = handshake;
    if (!this.#mayBeHeld || !initialized || !server) return undefined;
    if (sessionId === undefined || protocolVersion === undefined) return undefined;
    return { sessionId, protocolVersion, server, ...settings.snapshot(), toolHints: catalog.kept };
  }

  /** Opens the first session: see {@link Opening}. */
  connect(initialize: Request): Promise<Response> {
    return this.#opening.connect(initialize);
  }

  /** Takes over from an earlier connection, with the session that it held, if there is one: see {@link Opening}. */
  takeOver(
    initialize: Request,
    held?: { readonly state: HeldSession['state']; readonly wire: (events: WireEvents) => Wire },
  ): Promise<Response> {
    return this.#opening.takeOver(
      initialize,
      held && { state: held.state, wire: held.wire(this.#eventsOf(1)) },
    );
  }

  /** Takes up a session that was opened elsewhere; if the server refuses it, it is replaced like any other. */
  adopt(wire: (events: WireEvents) => Wire, agreement: Agreement): void {
    this.#parts.handshake.initialized = true;
    this.#parts.catalog.hasGaps = true;
    this.#parts.gate.apply({ kind: 'started' });
    const { clock } = this.#options.environment;
    this.#parts.gate.open(new Session(1, wire(this.#eventsOf(1)), agreement, clock, true));
  }

  request(request: Request): Promise<Response | undefined> {
    return this.#parts.calls.run(request);
  }

  /** Sends a notification of the client, on the session that it is about. */
  async notify(notification: Notification): Promise<void> {
    switch (notification.method) {
      case 'notifications/cancelled':
        return this.#cancel(notification);
      case 'notifications/progress': {
        // Progress on a request of an old session means nothing to the new one.
        const from = this.#parts.serverRequests.generationOfProgress(tokenOf(notification));
        return from === undefined || from === this.#parts.gate.state.generation
          ? this.#parts.notices.deliver(notification)
          : undefined;
      }
      case 'notifications/initialized':
        // It was said on a session that goes on.
        if (this.#parts.handshake.initialized) return;
        await this.#parts.notices.deliver(notification);
        this.#parts.handshake.initialized = true;
        if (this.session) this.#listen(this.session);
        return;
      default:
        return this.#parts.notices.deliver(notification);
    }
  }

  /** Sends the client's answer to a request of the server, unless the session that asked is gone. */
  async respond(response: Response): Promise<void> {
    const asked = this.#parts.serverRequests.settle(response.id);
    const { session } = this;
    if (!session || asked?.generation !== session.generation) return;
    const outcome = await session.wire.notify(
      response.id === asked.id ? response : withId(response, asked.id),
    );
    if (outcome.kind === 'lost') this.#parts.evidence.lost(session, outcome.because);
  }

  /**
   * Ends the session and opens a new one. One that is asked for during a recovery follows it.
   * @throws ResilientMcpError `SERVER_UNAVAILABLE` and its like when none could be had; attempts go on
   */
  async reset(): Promise<ConnectionSnapshot> {
    const { generation, kind } = this.#parts.gate.state;
    if (kind === 'paused') throw pausedError();
    this.#parts.journal.record({ kind: 'resetRequested', generation });
    this.#parts.gate.apply({ kind: 'resetRequested', generation });
    this.#parts.recovery.renew();
    const { patienceMs } = this.#options;
    await this.#parts.gate.ready({ signal: this.#closing.signal, patienceMs, hasWoken: false });
    return this.snapshot();
  }

  /** Ends the session, and sends nothing more until it is resumed. What is under way is still answered. */
  pause(): void {
    this.#parts.gate.apply({ kind: 'paused' });
    // Its next attempt finds that none is wanted.
    this.#parts.recovery.wake();
  }

  /** Opens a new session, if it was paused. */
  resume(): void {
    const { gate, handshake, recovery } = this.#parts;
    if (gate.state.kind !== 'paused') return;
    gate.apply({ kind: 'resumed' });
    // Its client was initialized before it, and will not say so again.
    if (handshake.initialized) gate.apply({ kind: 'started' });
    recovery.wake();
  }

  /** Asks the server now whether the session of the moment is alive. */
  async check(): Promise<void> {
    if (this.session) await this.#parts.evidence.check(this.session);
  }

  /** Makes the next attempt now, if the connection is without a session: what stood in the way may be gone. */
  retry(): void {
    this.#parts.recovery.wake();
    this.#parts.listening.wake();
  }

  /** Ends the session with DELETE, and leaves it so; the next request opens a new one. */
  async terminate(): Promise<void> {
    const { session } = this;
    if (!session || this.#parts.gate.state.kind === 'closed') return;
    session.ended.abort();
    const outcome = await this.#parts.endings.end(session);
    if (outcome !== 'failed') return;
    throw new ResilientMcpError(
      'SERVER_UNAVAILABLE',
      'The server did not take the end of the session (DELETE).',
    );
  }

  /**
   * Ends everything: nothing waits, nothing is retried, no timer is left. Bounded by `closeTimeoutMs`.
   * @param endsSession whether the server is told
   */
  async close(endsSession: boolean): Promise<void> {
    const { state, session } = this.#parts.gate;
    if (state.kind === 'closed') return;
    // One that is down would only take its time to say nothing.
    const isToBeEnded = endsSession && this.#mayBeHeld && state.kind !== 'down';
    this.#parts.gate.apply({ kind: 'closed' });
    this.#closing.abort();
    this.#parts.recovery.stop();
    session?.ended.abort();
    session?.wire.abort();
    if (session && isToBeEnded) await this.#parts.endings.end(session);
    await this.#closeWires();
    this.#parts.journal.record({ kind: 'connectionClosed', generation: state.generation });
  }

  /** What was just being opened, or was not ended in time. */
  async #closeWires(): Promise<void> {
    const { maker, environment, closeTimeoutMs } = this.#options;
    if (!maker.close) return;
    const limit = deadline(environment.clock, closeTimeoutMs);
    await maker.close(limit.signal).finally(limit.release);
  }

  snapshot(): ConnectionSnapshot {
    const { state, session } = this.#parts.gate;
    const { clock } = this.#options.environment;
    return snapshotOf(
      (moment) => wallTime(clock, moment),
      state,
      state.generation > 0 && state.kind !== 'paused' ? session : undefined,
      this.#parts.handshake.server,
      this.#parts.metrics,
    );
  }

  metrics(): MetricsSnapshot {
    return this.#parts.metrics.snapshot();
  }

  /** Calls `listener` after every change of state. What it throws is swallowed. */
  onDidChange(listener: (snapshot: ConnectionSnapshot) => void): Subscription {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }

  /** Whether the server may still hold the session of the moment. */
  get #mayBeHeld(): boolean {
    const { state, session } = this.#parts.gate;
    return keepsSession(state) && session?.ended.signal.aborted === false;
  }

  #patienceMs(): number {
    const { patienceMs, connectPatienceMs } = this.#options;
    return this.#parts.gate.state.generation > 0 || this.#opening.isForEver ? patienceMs : connectPatienceMs;
  }

  /** A session that was being opened when the connection was paused is not kept. */
  #ifWanted(result: AttemptResult): AttemptResult {
    if (result.kind === 'failed' || this.#parts.gate.state.kind !== 'paused') return result;
    void this.#parts.endings.retire(result.session, true);
    return { kind: 'failed', reason: 'the connection was paused', failure: 'CONNECTION_PAUSED' };
  }

  #renew(signal: AbortSignal): Promise<AttemptResult> {
    return this.#parts.renewal.next(this.#parts.gate.state.generation + 1, signal);
  }

  #onChange(state: ConnectionState, previous: ConnectionState): void {
    this.#parts.waking.start();
    const { environment, maker } = this.#options;
    if (state.kind === 'ready' && maker.origin !== undefined) signsOfLife.tell(maker.origin);
    const now = environment.clock.monotonic();
    for (const fact of factsOfChange(state, previous, now)) this.#parts.journal.record(fact);
    if (state.generation > previous.generation) this.#begin(state, previous);
    if (state.kind === 'recovering' && previous.kind !== 'recovering') this.#retire(state.trouble === RESET);
    if (state.kind === 'paused') this.#retire(keepsSession(previous));
    if (state.kind === 'ready' && previous.kind !== 'ready') this.#parts.listening.wake();
    const snapshot = this.snapshot();
    for (const listener of [...this.#listeners]) {
      try {
        listener(snapshot);
      } catch {
        // A display must not be able to break the connection it shows.
      }
    }
    this.#parts.recovery.start();
  }

  /** A new session is in place. */
  #begin(state: ConnectionState, previous: ConnectionState): void {
    const { session } = this;
    if (!session) return;
    if (state.kind !== 'ready') {
      // Replaced before anyone used it, by a reset asked for during the recovery.
      void this.#parts.endings.end(session);
      return;
    }
    if (!this.#parts.handshake.initialized) return;
    if (previous.generation > 0) void this.#settleIn(session);
    else this.#listen(session);
  }

  /** What a session that replaces another is given beside its requests, which go first. */
  async #settleIn(session: Session): Promise<void> {
    await nextTurn();
    if (session.ended.signal.aborted) return;
    this.#listen(session);
    await this.#parts.renewal.compareLists(session);
  }

  #listen(session: Session): void {
    if (session.generation !== this.#parts.gate.state.generation) return;
    void this.#parts.listening.keep(session);
    void this.#parts.liveness.keep(session);
  }

  /** The session is let go of. */
  #retire(mayBeHeld: boolean): void {
    const { session } = this;
    if (!session || session.ended.signal.aborted) return;
    void this.#parts.endings.retire(session, mayBeHeld);
    for (const cancelled of this.#parts.serverRequests.cancel(session.generation)) {
      this.#options.onMessage(cancelled);
    }
  }

  /** A request was answered: the session is proven, and what the answer says of its state is remembered. */
  #learn(request: Request, response: Response, session: Session): void {
    const { environment, maker } = this.#options;
    session.proven = true;
    if (maker.origin !== undefined) signsOfLife.tell(maker.origin);
    session.heardAt = environment.clock.monotonic();
    this.#parts.recovery.noteProof();
    if (isResultResponse(response)) this.#parts.settings.apply(request);
    this.#parts.catalog.observe(request, response, session.generation);
  }

  #eventsOf(generation: number): WireEvents {
    return {
      onWarning: (error) => this.#options.onWarning(error),
      onFailure: (failure) => this.#parts.journal.record({ kind: 'exchangeFailed', generation, ...failure }),
      onTooLong: (message, error) => this.#refuse(message, error, generation),
      onOutput: (text) => this.#parts.journal.record({ kind: 'serverWrote', generation, text }),
      onMessage: (message, streamOf) => {
        const session = this.#parts.gate.session;
        if (session?.generation === generation) session.heardAt = this.#options.environment.clock.monotonic();
        if (isResponse(message)) {
          // An answer may come on the server's own stream; nobody else waits for one.
          (this.#parts.calls.onWire(message.id as RequestId) ?? this.#parts.asking).answerElsewhere(message);
          return;
        }
        // A request of a session that is gone can't be answered any more.
        if (isRequest(message) && generation < this.#parts.gate.state.generation) return;
        if (session && message.method === TOOLS_CHANGED) this.#parts.listing.forget(session);
        this.#parts.serverRequests.observe(message, generation);
        const call = streamOf === undefined ? undefined : this.#parts.calls.onWire(streamOf);
        this.#options.onMessage(message, call?.id);
      },
    };
  }

  /** Too long is an answer: an error to the one who waits for it, and to nobody else. */
  #refuse({ id, isAnswer }: ScannedMessage, error: ResilientMcpError, generation: number): void {
    const call = isAnswer && id !== undefined ? this.#parts.calls.onWire(id) : undefined;
    if (call) {
      call.refuseElsewhere(error);
      return;
    }
    this.#options.onWarning(error);
    const { session } = this;
    if (isAnswer || id === undefined || session?.generation !== generation) return;
    // The server waits for an answer, and nobody else knows of its question.
    void session.wire.notify({ jsonrpc: '2.0', id, error: { code: TOO_LONG, message: error.message } });
  }

  /** The client gives a request up: told to the server only if it holds it. */
  async #cancel(notification: Notification): Promise<void> {
    const call = this.#parts.calls.get(cancelledId(notification) as RequestId);
    if (!call) return;
    const { session } = call;
    const isHeld = session?.ended.signal.aborted === false;
    const told = isHeld
      ? session.wire.notify(withValue(notification, ['params', 'requestId'], call.wireId))
      : undefined;
    // Not only when it was told: a server that takes nothing any more would keep the call for ever.
    call.cancel();
    await told;
  }
}

/** Whether the server holds the session of this state, as far as is known. */
function keepsSession(state: ConnectionState): boolean {
  return state.kind === 'ready' || (isHealing(state) && nextAttempt(state) === 'ask');
}
