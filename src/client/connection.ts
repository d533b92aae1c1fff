import { deadline, nextTurn, wallTime } from '../base/environment.ts';
import { ResilientMcpError } from '../protocol/errors.ts';
import type { Notification, Request, Response } from '../protocol/message.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { SessionMemory, type StoredSession } from './memory/session-memory.ts';
import { Journal, type JournalReader, type Subscription } from './observe/journal.ts';
import { Metrics, type MetricsSnapshot } from './observe/metrics.ts';
import { type ConnectionSnapshot, snapshotOf } from './observe/snapshot.ts';
import { Requests } from './requests/requests.ts';
import { type KeeperEvent, SessionKeeper } from './session/keeper.ts';
import type { Session } from './session/session.ts';
import { GetStream } from './streams/get-stream.ts';
import { KeepAlive } from './streams/keep-alive.ts';
import type { NegotiatedSession, Wire, WireEvents } from './wire/wire.ts';

/**
 * One connection that heals itself. It outlives its sessions. Three owners make it up: the memory of a session, its
 * keeper, which holds it and gets another when it is lost, and the requests, which go on over the change.
 */
export class Connection {
  readonly #journal: Journal;
  readonly #options: ConnectionOptions;
  readonly #metrics: Metrics;
  readonly #memory: SessionMemory;
  readonly #keeper: SessionKeeper;
  readonly #requests: Requests;
  readonly #getStream: GetStream;
  readonly #keepAlive: KeepAlive;
  readonly #listeners = new Set<(snapshot: ConnectionSnapshot) => void>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { limits, environment } = options;
    const { clock, random } = environment;
    const journal = new Journal({ capacity: limits.maxJournalEntries, now: () => clock.now() });
    this.#journal = journal;
    this.#metrics = new Metrics(journal);
    this.#memory = new SessionMemory(limits.maxSubscriptions);
    this.#keeper = new SessionKeeper(options, this.#memory, journal);
    this.#requests = new Requests(options, this.#keeper, this.#memory, journal);
    const { gate, health } = this.#keeper;
    this.#getStream = new GetStream({
      gate,
      health,
      journal,
      clock,
      random,
      initialDelayMs: options.streamDelayMs,
      maxDelayMs: options.maxStreamDelayMs,
      maxRefusedDelayMs: options.maxRefusedStreamDelayMs,
    });
    const breakSilent = (session: Session) => this.#requests.breakSilent(session);
    this.#keepAlive = new KeepAlive({ ...options.keepAlive, clock, health, breakSilent });
    this.#keeper.subscribe((event) => this.#take(event));
  }

  get journal(): JournalReader {
    return this.#journal.reader;
  }

  /** Notes a line that the server of the current session wrote beside the protocol. */
  serverWrote(text: string): void {
    const { generation } = this.#keeper.gate.state;
    this.#journal.record({ kind: 'serverWrote', generation, text });
  }

  get session(): Session | undefined {
    return this.#keeper.session;
  }

  /** What another connection needs to go on with this one's session; undefined while there is none that it could. */
  get resumable(): StoredSession | undefined {
    return this.session && this.#keeper.mayBeHeld ? this.#memory.store(this.session.negotiated) : undefined;
  }

  /** Takes up a session that was opened elsewhere; if the server refuses it, it is replaced like any other. */
  attach(attach: (events: WireEvents) => Wire, negotiated: NegotiatedSession): void {
    this.#keeper.attach(attach, negotiated);
  }

  /** Sends a request and waits for its answer. The client's `initialize` opens the first session. */
  request(request: Request): Promise<Response | undefined> {
    if (request.method !== 'initialize') return this.#requests.run(request);
    const { takesOver, stored } = this.#options;
    return takesOver || stored ? this.#keeper.takeOver(request) : this.#keeper.connect(request);
  }

  /** Sends a notification of the client, on the session that it is about. */
  async notify(notification: Notification): Promise<void> {
    if (notification.method !== 'notifications/initialized') return this.#requests.notify(notification);
    const { handshake } = this.#memory;
    // It was said on a session that goes on.
    if (handshake.initialized) return;
    await this.#requests.notify(notification);
    handshake.initialized = true;
    if (this.session) this.#keepStreams(this.session);
  }

  /** Sends the client's answer to a request of the server, unless the session that asked is gone. */
  respond(response: Response): Promise<void> {
    return this.#requests.respond(response);
  }

  /**
   * Ends the session and opens a new one. One that is asked for during a recovery follows it.
   * @throws ResilientMcpError `SERVER_UNAVAILABLE` and its like when none could be had; attempts go on
   */
  async reset(): Promise<ConnectionSnapshot> {
    await this.#keeper.reset();
    return this.snapshot();
  }

  /** Ends the session, and sends nothing more until it is resumed. What is under way is still answered. */
  pause(): void {
    this.#keeper.pause();
  }

  /** Opens a new session, if it was paused. */
  resume(): void {
    this.#keeper.resume();
  }

  /** Asks the server now whether the session of the moment is alive. */
  async check(): Promise<void> {
    if (this.session) await this.#keeper.health.check(this.session);
  }

  /** Makes the next attempt now, if the connection is without a session: what stood in the way may be gone. */
  retry(): void {
    this.#keeper.retry();
  }

  /** Ends the session with DELETE, and leaves it so; the next request opens a new one. */
  async terminate(): Promise<void> {
    if ((await this.#keeper.terminate()) !== 'failed') return;
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
    const { kind, generation } = this.#keeper.gate.state;
    if (kind === 'closed') return;
    await this.#keeper.close(endsSession);
    await this.#closeWires();
    this.#journal.record({ kind: 'connectionClosed', generation });
  }

  snapshot(): ConnectionSnapshot {
    const { state, session } = this.#keeper.gate;
    const { clock } = this.#options.environment;
    return snapshotOf(
      (moment) => wallTime(clock, moment),
      state,
      state.generation > 0 && state.kind !== 'paused' ? session : undefined,
      this.#memory.handshake.server,
      this.#metrics,
    );
  }

  metrics(): MetricsSnapshot {
    return this.#metrics.snapshot();
  }

  /** Calls `listener` after every change of state. What it throws is swallowed. */
  onDidChange(listener: (snapshot: ConnectionSnapshot) => void): Subscription {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }

  #take(event: KeeperEvent): void {
    switch (event.kind) {
      case 'opened':
        void this.#begin(event.session, event.replaces);
        break;
      case 'lost':
        this.#requests.cancelServerRequests(event.session);
        break;
      case 'stirred':
        this.#getStream.wake();
        break;
      case 'changed':
        this.#tellListeners();
        break;
      case 'message':
        this.#requests.take(event.message, event.generation, event.streamOf);
        break;
      case 'tooLong':
        this.#requests.takeTooLong(event.message, event.error, event.generation);
        break;
    }
  }

  /** What a session is given beside its requests, which go first on one that replaces another. */
  async #begin(session: Session, replaces: boolean): Promise<void> {
    if (!this.#memory.handshake.initialized) return;
    if (!replaces) return this.#keepStreams(session);
    await nextTurn();
    if (session.ended.signal.aborted) return;
    this.#keepStreams(session);
    await this.#requests.compareLists(session);
  }

  #keepStreams(session: Session): void {
    if (session.generation !== this.#keeper.gate.state.generation) return;
    void this.#getStream.keep(session);
    void this.#keepAlive.keep(session);
  }

  /** What was just being opened, or was not ended in time. */
  async #closeWires(): Promise<void> {
    const { connector, environment, closeTimeoutMs } = this.#options;
    if (!connector.close) return;
    const limit = deadline(environment.clock, closeTimeoutMs);
    await connector.close(limit.signal).finally(limit.release);
  }

  #tellListeners(): void {
    const snapshot = this.snapshot();
    for (const listener of [...this.#listeners]) {
      try {
        listener(snapshot);
      } catch {
        // A display must not be able to break the connection it shows.
      }
    }
  }
}
