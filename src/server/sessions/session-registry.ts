import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { Handshake } from '../../endpoint/handshake.ts';
import type { Incoming } from '../../endpoint/incoming.ts';
import { Refused, unavailable } from '../../endpoint/refusals.ts';
import type { NewHttpTransport } from '../../endpoint/session/http-transport.ts';
import type { EventLog } from '../../endpoint/streams/event-log.ts';
import { platformRequest } from '../../endpoint/web.ts';
import { describeError } from '../../protocol/errors.ts';
import type { SettingsSnapshot } from '../../protocol/session-settings.ts';
import { digest } from '../ids/session-key.ts';
import type { LogRecord } from '../log.ts';
import type { ServerEnvironment, Settings } from '../options.ts';
import type { Replicas } from '../replicas/replicas.ts';
import type { Records } from '../store/records.ts';
import { StoredEventLog } from '../store/stored-event-log.ts';
import { introduce } from './adoption.ts';
import { Room } from './room.ts';
import { Session, type SessionEnd, type SessionHolder } from './session.ts';
import { type SessionFactory, type SessionReason, SessionState } from './session-factory.ts';

/** Input for a new session. */
export interface NewSession {
  readonly reason: SessionReason;
  readonly sessionId: string;
  readonly issuedAt: number;
  readonly incoming: Incoming;
  readonly handshake: Handshake;
}

/** A session, and the settings that its client had made before. */
interface CreatedSession {
  readonly session: Session;
  readonly settings: SettingsSnapshot | undefined;
}

export interface RegistryParts {
  readonly factory: SessionFactory;
  readonly settings: Settings;
  readonly environment: ServerEnvironment;
  readonly newTransport: NewHttpTransport;
  readonly records: Records;
  readonly replicas: Replicas;
  readonly record: (record: Omit<LogRecord, 'sessions' | 'session'> & { readonly session?: string }) => void;
}

/** The sessions that this process holds. */
export class SessionRegistry {
  readonly #parts: RegistryParts;
  readonly #holder: SessionHolder;
  readonly #room: Room;
  readonly #sessions = new Map<string, Session>();
  readonly #arriving = new Map<string, Promise<Session>>();
  readonly #remembering = new Set<Promise<unknown>>();

  constructor(parts: RegistryParts) {
    this.#parts = parts;
    this.#holder = this.#makeHolder(parts);
    const hibernate = this.#hibernate.bind(this);
    this.#room = new Room({
      settings: parts.settings,
      clock: parts.environment.clock,
      held: this,
      hibernate,
    });
  }

  /** Number of sessions held, including those being opened. */
  get size(): number {
    return this.#sessions.size;
  }

  get all(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  /**
   * The session of an id, once it is ready; undefined when none is held.
   * @throws Refused when it is not restored in time
   */
  async find(sessionId: string): Promise<Session | undefined> {
    const arriving = this.#arriving.get(sessionId);
    // A session that failed to be restored is not held. The error went to the request that started it.
    if (arriving) await this.#inTime(arriving.catch(() => {}));
    return this.#sessions.get(sessionId);
  }

  /**
   * Creates every session, whatever the reason.
   * @throws Refused when there are too many; any error of the factory
   */
  async create({ reason, sessionId, issuedAt, incoming, handshake }: NewSession): Promise<CreatedSession> {
    const { factory, records } = this.#parts;
    const { principal } = incoming;
    for (let full = this.#room.fullFor(principal); full; full = this.#room.fullFor(principal)) {
      await this.#room.make(full, incoming);
    }
    // Held at once, so that parallel requests cannot exceed the limit.
    const session = this.#hold(sessionId, issuedAt, principal);
    this.#parts.record({
      level: 'info',
      event: 'sessionOpened',
      session: sessionId,
      reason,
      action: 'opened',
    });
    try {
      const state = new SessionState(session, this.#parts.settings.maxStateLength, (value) =>
        this.#keepState(session, value),
      );
      const isAdopted = reason === 'adopted';
      if (isAdopted) session.state = await records.state(sessionId);
      const settings = isAdopted ? await records.settings(sessionId) : undefined;
      const { request, context } = incoming;
      const asked = { reason, sessionId, request: platformRequest(request), context, handshake, settings };
      await session.connect(await factory(state.attachedTo(asked)));
      return { session, settings };
    } catch (error) {
      await session.end('its server could not be made', false);
      throw error;
    }
  }

  /**
   * Restores a session that its client believes to exist: creates it and replays the handshake.
   *
   * One restoration at a time for each id, tracked in the map of arriving sessions. After a restart a
   * client's requests arrive together. Two sessions under one id would split the client between two servers,
   * so all requests but the first wait for the first.
   *
   * @throws Refused when it fails, or takes longer than a request may wait; in that case it continues
   */
  adopt(adopted: NewSession): Promise<Session> {
    const { sessionId } = adopted;
    let arriving = this.#arriving.get(sessionId);
    if (!arriving) {
      arriving = this.#adopt(adopted).finally(() => this.#arriving.delete(sessionId));
      this.#arriving.set(sessionId, arriving);
    }
    return this.#inTime(arriving);
  }

  /**
   * The arriving session, or an error after the time that a request may wait. The restoration continues:
   * restarted at each request, a slow server would never be ready.
   */
  async #inTime<T>(arriving: Promise<T>): Promise<T> {
    const { settings, environment } = this.#parts;
    const { adoptionTimeoutMs: ms, retryAfterSeconds } = settings;
    const late = Promise.withResolvers<never>();
    const refusal = unavailable('This session is being brought back.', retryAfterSeconds);
    const tell = () => late.reject(new Refused(refusal, `it is not back after ${ms} ms, and is waited for`));
    const cancel = environment.clock.after(ms, tell, { background: true });
    try {
      return await Promise.race([arriving, late.promise]);
    } finally {
      cancel();
    }
  }

  async endAll(reason: string): Promise<void> {
    await Promise.allSettled(this.all.map((session) => session.end(reason, false)));
  }

  async #adopt(adopted: NewSession): Promise<Session> {
    const { environment } = this.#parts;
    const { session, settings } = await this.create(adopted);
    if (session.restore(settings)) return session;
    const { handshake } = adopted;
    const { request, context } = adopted.incoming;
    const late = Promise.withResolvers<never>();
    const { adoptionLimitMs: ms, retryAfterSeconds } = this.#parts.settings;
    const giveUp = () => late.reject(new Error(`it took over ${ms} ms`));
    const cancel = environment.clock.after(ms, giveUp, { background: true });
    try {
      const introduction = { handshake, settings, request, context };
      await Promise.race([introduce(session, introduction), late.promise]);
      return session;
    } catch (error) {
      const reason = `it could not be brought back: ${describeError(error)}`;
      await session.end(reason, false);
      // Not 404: the session has not ended, and the next attempt may restore it.
      throw new Refused(unavailable('This session cannot be brought back now.', retryAfterSeconds));
    } finally {
      cancel();
    }
  }

  #hold(sessionId: string, issuedAt: number, principal: string | undefined): Session {
    const { replicas } = this.#parts;
    const log = this.#eventLog(sessionId);
    const session = new Session(this.#holder, {
      id: sessionId,
      principal,
      issuedAt,
      traffic: replicas.trafficOf(sessionId),
      events: log && { log, news: replicas.newsOf(sessionId, log) },
    });
    this.#sessions.set(sessionId, session);
    replicas.add(session, log);
    return session;
  }

  #makeHolder({ settings, environment, newTransport, records, replicas }: RegistryParts): SessionHolder {
    return {
      settings,
      environment,
      newTransport,
      tag: replicas.tag,
      // Other replicas may serve the session meanwhile.
      isIdleFinal: !replicas.isShared,
      changed: (session, kept, request) => {
        void session.pendingWrites.keep('settings', () => records.keepSettings(session.id, kept));
        replicas.repeat(session.id, request);
      },
      listening: (session, isListening) => replicas.listening(session, isListening),
      dropped: (session, message) => this.#dropped(session, message),
      hibernationDue: (session) => void this.#hibernate(session, `idle for ${settings.hibernateAfterMs} ms`),
      ended: (session, end) => this.#ended(session, end),
    };
  }

  #eventLog(sessionId: string): EventLog | undefined {
    const { records, replicas, settings } = this.#parts;
    const {
      resumableStreams,
      maxEvents: maxEntries,
      maxEventLength: maxLength,
      eventTtlMs: ttlMs,
    } = settings;
    if (!resumableStreams) return undefined;
    const name = `events:${digest(sessionId)}`;
    return new StoredEventLog({
      name,
      owner: replicas.tag,
      records,
      limits: { maxEntries, ttlMs },
      maxLength,
    });
  }

  /**
   * Hibernates an idle session if its client would lose nothing. Otherwise does nothing; the session reports
   * again after the same idle time.
   */
  async #hibernate(session: Session, reason: string, mayEnd = () => session.isQuiet): Promise<void> {
    if (!mayEnd() || !(await session.pendingWrites.areKept())) return;
    // A request may have come while the store was writing.
    if (mayEnd()) await session.hibernate(reason);
  }

  #dropped({ id }: Session, message: JSONRPCMessage): void {
    const what = 'method' in message ? message.method : 'an answer';
    this.#parts.record({
      level: 'debug',
      event: 'messageDropped',
      session: id,
      reason: `${what}: the client takes JSON alone, and has no stream open`,
      action: 'dropped',
    });
  }

  #ended(session: Session, { reason, isFinal, action = 'closed' }: SessionEnd): void {
    this.#sessions.delete(session.id);
    this.#parts.replicas.remove(session);
    if (isFinal) void this.remember(session.id);
    this.#parts.record({
      level: 'info',
      event: action === 'hibernated' ? 'sessionHibernated' : 'sessionEnded',
      session: session.id,
      reason,
      action,
    });
  }

  /** Makes an end final, for later processes and for the other replicas. */
  async remember(sessionId: string): Promise<void> {
    this.#parts.replicas.ended(sessionId);
    const remembering = this.#parts.records.markEnded(sessionId);
    this.#remembering.add(remembering);
    await remembering;
    this.#remembering.delete(remembering);
  }

  /** Resolves when the store has every end so far. */
  async remembered(): Promise<void> {
    await Promise.all(this.#remembering);
  }

  async #keepState(session: Session, value: unknown): Promise<void> {
    await session.pendingWrites.keep('state', () => this.#parts.records.keepState(session.id, value));
    this.#parts.replicas.state(session.id, value);
  }
}
