import { deadline, type Environment } from '../../base/environment.ts';
import { isErrorResponse, type Notification, type Request } from '../../protocol/message.ts';
import { type SessionSettings, settingRequests } from '../../protocol/session-settings.ts';
import type { Catalog } from '../memory/catalog.ts';
import type { Journal } from '../observe/journal.ts';
import { shortened } from '../observe/snapshot.ts';
import type { RecoveryOptions } from '../options.ts';
import { type AttemptResult, openingFailure } from '../recovery/attempt.ts';
import type { Handshake } from '../session/handshake.ts';
import { Session } from '../session/session.ts';
import type { OpenOutcome, WireEvents, WireMaker } from '../wire/wire.ts';
import type { ListedPage, Listing } from './listing.ts';

/** Restoring requests under way at one time. */
const CONCURRENCY = 8;

const INITIALIZED: Notification = { jsonrpc: '2.0', method: 'notifications/initialized' };

export interface RenewalContext {
  readonly maker: WireMaker;
  readonly environment: Environment;
  readonly options: RecoveryOptions;
  readonly handshake: Handshake;
  readonly settings: SessionSettings;
  readonly catalog: Catalog;
  readonly listing: Listing;
  readonly journal: Journal;
  readonly eventsOf: (generation: number) => WireEvents;
  /** Tells the client that a list differs from what it knows. */
  readonly onListChanged: (notification: Notification) => void;
}

/** Opens sessions: the first with the client's own handshake, every later one with its replay, and all it had. */
export class Renewal {
  readonly #context: RenewalContext;

  constructor(context: RenewalContext) {
    this.#context = context;
  }

  /** The first session. The client says `notifications/initialized` itself. */
  async first(
    initialize: Request,
    signal: AbortSignal,
  ): Promise<{ outcome: OpenOutcome; session?: Session }> {
    const { maker, eventsOf } = this.#context;
    const startedAt = this.#context.environment.clock.monotonic();
    const outcome = await maker.open(initialize, eventsOf(1), signal);
    if (outcome.kind !== 'opened') return { outcome };
    return { outcome, session: this.#establish(outcome, 1, startedAt) };
  }

  /** A later session: the remembered handshake without the old id, then what the old session held. */
  async next(generation: number, signal: AbortSignal): Promise<AttemptResult> {
    const { maker, eventsOf, handshake, environment, options } = this.#context;
    const startedAt = environment.clock.monotonic();
    const outcome = await maker.open(handshake.replay(environment.newId()), eventsOf(generation), signal);
    if (outcome.kind !== 'opened') return openingFailure(outcome);
    if (handshake.initialized) {
      const limit = deadline(environment.clock, options.attemptTimeoutMs, signal);
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
    const { maker, eventsOf, handshake, environment, journal } = this.#context;
    const { generation } = session;
    const outcome = await maker.open(handshake.replay(environment.newId()), eventsOf(generation), signal);
    if (outcome.kind !== 'opened') return 'same';
    const { wire, agreement, response } = outcome;
    if (agreement.sessionId !== undefined) {
      await wire.end(signal);
      // One that answers under any id may hold this session all the same, unless it is another.
      const isHeld = session.agreement.sessionId !== undefined && handshake.isSameServer(response);
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

  /**
   * Fetches the lists that the client knows, and tells it of each that differs, once. The answers also bring the tool
   * hints of the new server. Never rejects.
   */
  async compareLists(session: Session): Promise<void> {
    const { catalog } = this.#context;
    const told = new Set<string>();
    for (const [method, before] of catalog.known()) {
      const after = await this.#list(session, method, before.length);
      if (session.ended.signal.aborted) return;
      // The client has listed anew in the meantime: it knows already.
      if (catalog.pages(method) !== before) continue;
      for (const { request, response } of after ?? []) catalog.observe(request, response, session.generation);
      const now = after && (catalog.pages(method) ?? []);
      // A server that is another may have no such list at all.
      if (now ? !isSame(now, before) : session.isOfAnother) this.#tellChanged(session, method, told);
    }
    if (!session.isOfAnother || !catalog.hasGaps) return;
    for (const method of this.#offered()) this.#tellChanged(session, method, told);
  }

  /** The lists that the server has, by what it says of itself. */
  #offered(): readonly string[] {
    const { capabilities } = this.#context.handshake.answer ?? {};
    return ['tools', 'prompts', 'resources']
      .filter((kind) => Object.hasOwn(capabilities ?? {}, kind))
      .map((kind) => `${kind}/list`);
  }

  #tellChanged({ generation }: Session, what: string, told: Set<string>): void {
    const method = this.#context.catalog.changedNotification(what);
    if (method === undefined || told.has(method)) return;
    told.add(method);
    this.#context.journal.record({ kind: 'serverChanged', generation, what: [what] });
    this.#context.onListChanged({ jsonrpc: '2.0', method });
  }

  #establish(
    outcome: Extract<OpenOutcome, { kind: 'opened' }>,
    generation: number,
    startedAt: number,
  ): Session {
    const { environment, handshake, journal } = this.#context;
    const { clock } = environment;
    const what = handshake.learn(outcome.response);
    const { server } = handshake;
    const { sessionId, protocolVersion } = outcome.agreement;
    const session = new Session(generation, outcome.wire, outcome.agreement, clock);
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
    const { settings, environment, options, journal } = this.#context;
    const requests = settingRequests(settings.snapshot());
    if (requests.length === 0) return;
    const limit = deadline(environment.clock, options.attemptTimeoutMs);
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

  /** No further than the client has seen: it may have stopped at the first page. */
  async #list(
    session: Session,
    method: string,
    knownPages: number,
  ): Promise<readonly ListedPage[] | undefined> {
    const { listing } = this.#context;
    if (method === 'tools/list' && listing.hasBegun(session)) {
      return (await listing.tools(session))?.pages.slice(0, knownPages);
    }
    return listing.pages(session, method, knownPages).catch(() => undefined);
  }
}

function isSame(now: readonly string[], before: readonly string[]): boolean {
  return now.length === before.length && now.every((page, index) => page === before[index]);
}
