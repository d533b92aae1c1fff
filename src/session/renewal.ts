import { describeError } from '../protocol/errors.ts';
import { isErrorResponse, type Notification, type Request, type Response } from '../protocol/message.ts';
import type { Catalog } from './catalog.ts';
import { deadline, type Environment } from './environment.ts';
import type { Handshake } from './handshake.ts';
import type { Journal } from './journal.ts';
import type { RecoveryOptions } from './options.ts';
import { type AttemptResult, openingFailure } from './recovery.ts';
import type { Restoration } from './restoration.ts';
import { Session } from './session.ts';
import { shortened } from './snapshot.ts';
import type { OpenOutcome, WireEvents, WireMaker } from './wire.ts';

/** Restoring requests under way at one time. */
const CONCURRENCY = 8;
/** Pages of one list fetched for the comparison. */
const MAX_PAGES = 100;

const INITIALIZED: Notification = { jsonrpc: '2.0', method: 'notifications/initialized' };

export interface RenewalContext {
  readonly maker: WireMaker;
  readonly environment: Environment;
  readonly options: RecoveryOptions;
  readonly handshake: Handshake;
  readonly restoration: Restoration;
  readonly catalog: Catalog;
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
    const { maker, eventsOf, handshake, environment } = this.#context;
    const startedAt = environment.clock.monotonic();
    const outcome = await maker.open(handshake.replay(environment.newId()), eventsOf(generation), signal);
    if (outcome.kind !== 'opened') return openingFailure(outcome);
    if (handshake.initialized) {
      const taken = await outcome.wire.notify(INITIALIZED, signal);
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
   * Fetches the lists that the client knows, and tells it of each that differs, once. The answers also bring the tool
   * hints of the new server. Never rejects.
   */
  async compareLists(session: Session): Promise<void> {
    const { catalog } = this.#context;
    const told = new Set<string>();
    for (const [method, before] of catalog.known()) {
      const after = await this.#list(session, method, before.length).catch(() => undefined);
      if (!after || session.ended.signal.aborted) return;
      // The client has listed anew in the meantime: it knows already.
      if (catalog.pages(method) !== before) continue;
      for (const { request, response } of after) catalog.observe(request, response, session.generation);
      const changed = catalog.changedNotification(method);
      const now = catalog.pages(method) ?? [];
      const differs = now.length !== before.length || now.some((page, index) => page !== before[index]);
      if (changed === undefined || !differs || told.has(changed)) continue;
      told.add(changed);
      this.#context.journal.record({ kind: 'serverChanged', generation: session.generation, what: [method] });
      this.#context.onListChanged({ jsonrpc: '2.0', method: changed });
    }
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
    const { restoration, environment, options, journal } = this.#context;
    const requests = restoration.requests(environment.newId);
    if (requests.length === 0) return;
    const limit = deadline(environment.clock, options.attemptTimeoutMs);
    let failed = 0;
    const worker = async () => {
      for (let request = requests.shift(); request; request = requests.shift()) {
        const outcome = await session.wire.request(request, { signal: limit.signal });
        if (outcome.kind !== 'answered' || isErrorResponse(outcome.response)) failed++;
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker)).finally(limit.release);
    const { logLevel, subscriptions } = restoration;
    journal.record({
      kind: 'stateRestored',
      generation: session.generation,
      logLevel,
      subscriptions,
      failed,
    });
  }

  async #list(
    session: Session,
    method: string,
    knownPages: number,
  ): Promise<{ request: Request; response: Response }[]> {
    const { environment, options } = this.#context;
    const limit = deadline(environment.clock, options.attemptTimeoutMs, session.ended.signal);
    const pages: { request: Request; response: Response }[] = [];
    let cursor: string | undefined;
    try {
      do {
        const params = cursor === undefined ? {} : { params: { cursor } };
        const request: Request = { jsonrpc: '2.0', id: environment.newId(), method, ...params };
        const outcome = await session.wire.request(request, { signal: limit.signal });
        if (outcome.kind !== 'answered' || isErrorResponse(outcome.response)) {
          throw new Error(`${method} was not answered: ${describeError(outcome.kind)}`);
        }
        pages.push({ request, response: outcome.response });
        const next = outcome.response.result.nextCursor;
        cursor = typeof next === 'string' ? next : undefined;
        // The client may have stopped at the first page: compare no further than it has seen.
      } while (cursor !== undefined && pages.length < Math.min(knownPages, MAX_PAGES));
      return pages;
    } finally {
      limit.release();
    }
  }
}
