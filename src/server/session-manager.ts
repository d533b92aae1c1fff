import { guard } from '../endpoint/guard.ts';
import type { HttpAnswer, HttpRequest } from '../endpoint/http.ts';
import { Incoming, principalOf, type RequestContext } from '../endpoint/incoming.ts';
import { headersTooLarge, Refused, refuse, rpcCode, unknownId, wrongMethod } from '../endpoint/refusals.ts';
import type { NewHttpTransport } from '../endpoint/session/http-transport.ts';
import { httpRequest, platformRequest, responseOf } from '../endpoint/web.ts';
import { describeError } from '../protocol/errors.ts';
import { SESSION_ID_HEADER } from '../protocol/http/headers.ts';
import { shortened } from '../protocol/http/secrets.ts';
import { SessionIds } from './ids/session-id.ts';
import { passingKey, sessionKeys } from './ids/session-key.ts';
import type { LogRecord } from './log.ts';
import {
  type ServerEnvironment,
  type SessionManagerOptions,
  type Settings,
  settingsOf,
  systemServerEnvironment,
} from './options.ts';
import { Replicas } from './replicas/replicas.ts';
import { sdkTransport } from './sdk/sdk-transport.ts';
import { type Phase, SessionRouter } from './session-router.ts';
import type { SessionFactory } from './sessions/session-factory.ts';
import { SessionRegistry } from './sessions/session-registry.ts';
import { MemoryStore } from './store/memory.ts';
import { Records } from './store/records.ts';
import type { SessionStore } from './store/store.ts';
import { UnknownSessions } from './unknown-session.ts';

/** Environment of a manager. */
export interface Setting {
  /** The HTTP side of each session. Default: the SDK's. */
  readonly newTransport?: NewHttpTransport;
  /** Whether `Host` and `Origin` were checked (guard.ts) before a request comes here. Default false. */
  readonly isGuarded?: boolean;
}

/**
 * Serves MCP over Streamable HTTP to many clients, each in its own session (MCP 2025-11-25,
 * basic/transports).
 *
 * ```ts
 * const manager = new SessionManager(() => createMyServer());
 * createServer(nodeListener(manager)).listen(3000, '127.0.0.1');
 * ```
 *
 * Replaces the usual hand-written map of transports. A session outlives the process: its id proves to the next
 * process what this one knew of the client (session-id.ts), and the session is restored (adoption.ts). In all
 * other cases the answer lets the client recover: 400 for a request without a session id, 404 for an id that is
 * not or no longer valid.
 */
export class SessionManager {
  readonly #settings: Settings;
  readonly #isGuarded: boolean;
  readonly #environment: ServerEnvironment;
  readonly #store: SessionStore;
  readonly #ownsStore: boolean;
  readonly #records: Records;
  readonly #replicas: Replicas;
  readonly #registry: SessionRegistry;
  readonly #router: SessionRouter;
  #phase: Phase = 'open';

  /**
   * @param setting environment; the default suits a server written with the SDK
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for an option, a key or a key file that cannot be used
   */
  constructor(
    factory: SessionFactory,
    options: SessionManagerOptions = {},
    { newTransport = sdkTransport, isGuarded = false }: Setting = {},
  ) {
    const settings = settingsOf(options);
    this.#isGuarded = isGuarded;
    this.#settings = settings;
    this.#environment = systemServerEnvironment(options.environment);
    const { keys, transientBecause } = settings.adoptSessions ? sessionKeys(options) : passingKey();
    const { scope, maxSessionIdLength: maxLength, maxAgeMs } = settings;
    const ids = new SessionIds({ keys, scope, maxLength, maxAgeMs });
    const { clock } = this.#environment;
    this.#ownsStore = options.store === undefined;
    this.#store = options.store ?? new MemoryStore({ now: () => clock.monotonic() });
    const onFailure = (what: string, why: string) => this.#degraded(`${what}: ${why}`, 'went on without');
    const timing = { clock, timeoutMs: settings.storeTimeoutMs, ttlMs: maxAgeMs };
    this.#records = new Records({ ...timing, store: this.#store, onFailure });
    const tag = this.#environment.newNonce().slice(0, 16);
    this.#replicas = new Replicas({ tag, bus: this.#store.bus, records: this.#records, clock, onFailure });
    this.#registry = new SessionRegistry({
      factory,
      settings,
      environment: this.#environment,
      newTransport,
      records: this.#records,
      replicas: this.#replicas,
      record: (record) => this.#record(record),
    });
    const { newNonce } = this.#environment;
    const { unknownSession: policy, aliasMs } = settings;
    this.#router = new SessionRouter({
      settings,
      environment: this.#environment,
      ids,
      records: this.#records,
      replicas: this.#replicas,
      registry: this.#registry,
      unknown: new UnknownSessions({ policy, records: this.#records, keys, newNonce, aliasMs }),
      phase: () => this.#phase,
    });
    if (transientBecause !== undefined) {
      this.#degraded(transientBecause, 'sessions will end with this process');
    }
  }

  /** Number of sessions held, including those being opened. */
  get sessions(): number {
    return this.#registry.size;
  }

  /**
   * Answers one HTTP request, whatever its path. Shaped like a `fetch` handler, and bound, so that any server
   * with `Request` and `Response` can call it. Never rejects.
   */
  readonly handle = async (request: Request, context: RequestContext = {}): Promise<Response> => {
    return responseOf(await this.answer(httpRequest(request, context), context), context.onSent);
  };

  /** `handle` without platform objects, for the adapters of this project. Never rejects. */
  readonly answer = async (request: HttpRequest, context: RequestContext = {}): Promise<HttpAnswer> => {
    let incoming: Incoming | undefined;
    try {
      incoming = new Incoming(request, context, this.#principalOf(request, context));
      this.#check(request);
      return await this.#router.route(incoming);
    } catch (error) {
      // Read the body even for an unknown session: an answer without the request's id would reveal that the
      // session is not held.
      const isUnknown = error instanceof Refused && error.refusal === unknownId && request.method === 'POST';
      if (isUnknown) await incoming?.json(this.#settings.maxBodyBytes).catch(() => {});
      return this.#refusal(error, request, incoming);
    }
  };

  /**
   * Drains, as on SIGTERM, then closes. Requests under way are finished, and the client can still answer
   * requests of their servers. Every new request gets 503 with `Retry-After`. GET streams are ended, since
   * they do not end by themselves. The sessions stay valid: their clients find them again at the next
   * process.
   */
  async drain({ timeoutMs = 30_000 }: { readonly timeoutMs?: number } = {}): Promise<void> {
    if (this.#phase === 'open') this.#phase = 'draining';
    const sessions = this.#registry.all;
    for (const session of sessions) session.closeStream();
    const late = Promise.withResolvers<void>();
    const cancel = this.#environment.clock.after(timeoutMs, late.resolve, { background: true });
    await Promise.race([Promise.all(sessions.map((session) => session.atRest())), late.promise]);
    cancel();
    await this.close();
  }

  /** Releases all sessions, aborts requests under way, and answers every later request with 503. */
  async close(): Promise<void> {
    this.#phase = 'closed';
    await this.#registry.endAll('the manager was closed');
    await this.#registry.remembered();
    this.#replicas.close();
    if (this.#ownsStore) await this.#store.close();
  }

  #principalOf(request: HttpRequest, context: RequestContext): string | undefined {
    const theirs = this.#settings.principalOf;
    return theirs === principalOf ? principalOf(context) : theirs(context, platformRequest(request));
  }

  /** Checks that apply to a request of any session. */
  #check(request: HttpRequest): void {
    const { headers, method } = request;
    const { maxHeaderBytes } = this.#settings;
    let bytes = 0;
    for (const [name, value] of headers) bytes += name.length + value.length + 4;
    if (bytes > maxHeaderBytes) throw new Refused(headersTooLarge(maxHeaderBytes));
    const refusal = this.#isGuarded ? undefined : guard(request, this.#settings);
    if (refusal) throw new Refused(refusal);
    if (!['GET', 'POST', 'DELETE'].includes(method)) throw new Refused(wrongMethod);
  }

  #refusal(error: unknown, request: HttpRequest, incoming: Incoming | undefined): HttpAnswer {
    const session = request.headers.get(SESSION_ID_HEADER) ?? undefined;
    const reason = describeError(error);
    if (error instanceof Refused) {
      const action = String(error.refusal.status);
      this.#record({ level: 'debug', event: 'requestRefused', session, reason, action });
      return refuse(error.refusal, incoming?.rpcId ?? null);
    }
    this.#record({ level: 'error', event: 'requestFailed', session, reason, action: '500' });
    return refuse({ status: 500, code: rpcCode.internalError, message: 'Internal error' });
  }

  #degraded(reason: string, action: string): void {
    this.#record({ level: 'warn', event: 'degraded', reason, action });
  }

  #record(record: Omit<LogRecord, 'sessions'>): void {
    const session = record.session === undefined ? undefined : shortened(record.session);
    // Undefined while the constructor already logs.
    const sessions = this.#registry?.size ?? 0;
    try {
      this.#settings.log({ ...record, session, sessions });
    } catch {
      // A failing logger must not break the session that it logs.
    }
  }
}
