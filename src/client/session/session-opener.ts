import { deadline, type Environment } from '../../base/environment.ts';
import { shortened } from '../../protocol/http/secrets.ts';
import { isErrorResponse, type Notification, type Request } from '../../protocol/message.ts';
import { settingRequests } from '../../protocol/session-settings.ts';
import type { SessionMemory } from '../memory/session-memory.ts';
import type { Journal } from '../observe/journal.ts';
import type { AttemptResult } from '../recovery/attempt.ts';
import type { OpenOutcome, WireConnector, WireEvents } from '../wire/wire.ts';
import { openingFailure } from './opening-failure.ts';
import { Session } from './session.ts';

/** Restoring requests under way at one time. */
const CONCURRENCY = 8;

const INITIALIZED: Notification = { jsonrpc: '2.0', method: 'notifications/initialized' };

export interface SessionOpenerOptions {
  readonly connector: WireConnector;
  readonly environment: Environment;
  readonly memory: SessionMemory;
  readonly journal: Journal;
  /** How long what a new session is given may take before it is used, in ms. */
  readonly timeoutMs: number;
  readonly eventsOf: (generation: number) => WireEvents;
}

/** Opens sessions: the first with the client's own handshake, every later one with its replay, and all it had. */
export class SessionOpener {
  readonly #options: SessionOpenerOptions;

  constructor(options: SessionOpenerOptions) {
    this.#options = options;
  }

  /** The first session. The client says `notifications/initialized` itself. */
  async first(
    initialize: Request,
    signal: AbortSignal,
  ): Promise<{ outcome: OpenOutcome; session?: Session }> {
    const { connector, eventsOf, environment } = this.#options;
    const startedAt = environment.clock.monotonic();
    const outcome = await connector.open(initialize, eventsOf(1), signal);
    if (outcome.kind !== 'opened') return { outcome };
    return { outcome, session: this.#establish(outcome, 1, startedAt) };
  }

  /** A later session: the remembered handshake without the old id, then what the old session held. */
  async next(generation: number, signal: AbortSignal): Promise<AttemptResult> {
    const { connector, eventsOf, memory, environment, timeoutMs } = this.#options;
    const { handshake } = memory;
    const startedAt = environment.clock.monotonic();
    const outcome = await connector.open(handshake.replay(environment.newId()), eventsOf(generation), signal);
    if (outcome.kind !== 'opened') return openingFailure(outcome);
    if (handshake.initialized) {
      const limit = deadline(environment.clock, timeoutMs, signal);
      const taken = await outcome.wire.notify(INITIALIZED, limit.signal).finally(limit.release);
      if (taken.kind !== 'accepted') {
        outcome.wire.abort();
        if (taken.kind === 'failed') return openingFailure(taken);
        const reason = 'because' in taken ? taken.because : taken.kind;
        // The id was issued a moment ago; whoever refuses it now is not who issued it.
        const isRefused = taken.kind === 'lost' || taken.kind === 'unclear';
        const failure = isRefused ? 'SESSION_NOT_KEPT' : 'SERVER_UNAVAILABLE';
        return {
          kind: 'failed',
          failure,
          reason: `the new session refused notifications/initialized: ${reason}`,
        };
      }
    }
    const session = this.#establish(outcome, generation, startedAt);
    await this.#restore(session);
    return { kind: 'opened', session };
  }

  /**
   * The handshake once more at a server that looks at no session ids, for the session that is held: it may be another
   * server, and one that remembers a single client has to be told all that it is to remember.
   * @returns whether it says something else of itself now; `session`: that it keeps sessions, and none of ours
   */
  async again(session: Session, signal: AbortSignal): Promise<'same' | 'other' | 'session'> {
    const { connector, eventsOf, memory, environment, journal } = this.#options;
    const { handshake } = memory;
    const { generation } = session;
    const outcome = await connector.open(handshake.replay(environment.newId()), eventsOf(generation), signal);
    if (outcome.kind !== 'opened') return 'same';
    const { wire, negotiated, response } = outcome;
    if (negotiated.sessionId !== undefined) {
      await wire.end(signal);
      // One that answers under any id may hold this session all the same, unless it is another.
      const isHeld = session.negotiated.sessionId !== undefined && handshake.isSameServer(response);
      return isHeld ? 'same' : 'session';
    }
    if (handshake.initialized) await wire.notify(INITIALIZED, signal);
    await this.#restore(session);
    wire.abort();
    const what = handshake.learn(response);
    if (what.length === 0) return 'same';
    session.server = handshake.server;
    session.isOfAnother = what.includes('name');
    journal.record({ kind: 'serverChanged', generation, what });
    return 'other';
  }

  #establish(
    outcome: Extract<OpenOutcome, { kind: 'opened' }>,
    generation: number,
    startedAt: number,
  ): Session {
    const { environment, memory, journal } = this.#options;
    const { handshake } = memory;
    const { clock } = environment;
    const what = handshake.learn(outcome.response);
    const { server } = handshake;
    const { sessionId, protocolVersion } = outcome.negotiated;
    const session = new Session(generation, outcome.wire, outcome.negotiated, clock);
    session.server = server;
    session.isOfAnother = what.includes('name');
    journal.record({
      kind: 'sessionOpened',
      generation,
      session: sessionId === undefined ? undefined : shortened(sessionId),
      protocolVersion,
      server: `${server?.name} ${server?.version}`,
      durationMs: clock.monotonic() - startedAt,
    });
    if (what.length > 0) journal.record({ kind: 'serverChanged', generation, what });
    return session;
  }

  /** Log level and subscriptions, before any request is replayed; what fails is counted and left. */
  async #restore(session: Session): Promise<void> {
    const { memory, environment, timeoutMs, journal } = this.#options;
    const { settings } = memory;
    const requests = settingRequests(settings.snapshot());
    if (requests.length === 0) return;
    const limit = deadline(environment.clock, timeoutMs);
    let failed = 0;
    const worker = async () => {
      for (let setting = requests.shift(); setting; setting = requests.shift()) {
        const request: Request = { jsonrpc: '2.0', id: environment.newId(), ...setting };
        const outcome = await session.wire.request(request, { signal: limit.signal });
        if (outcome.kind !== 'answered' || isErrorResponse(outcome.response)) failed++;
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker)).finally(limit.release);
    const { logLevel, size: subscriptions } = settings;
    journal.record({
      kind: 'stateRestored',
      generation: session.generation,
      logLevel,
      subscriptions,
      failed,
    });
  }
}
