import { guard } from '../endpoint/guard.ts';
import { type Handshake, handshakeIn, isInitialize } from '../endpoint/handshake.ts';
import { type HttpAnswer, type HttpRequest, isOk } from '../endpoint/http.ts';
import { asks, Incoming, principalOf, type RequestContext } from '../endpoint/incoming.ts';
import {
  headersTooLarge,
  malformedId,
  missingId,
  Refused,
  refuse,
  rpcCode,
  unavailable,
  unknownId,
  wrongMethod,
} from '../endpoint/refusals.ts';
import type { NewHttpTransport } from '../endpoint/session/http-transport.ts';
import { httpRequest, platformRequest, responseOf } from '../endpoint/web.ts';
import { describeError } from '../protocol/errors.ts';
import { PROTOCOL_VERSION_HEADER, SESSION_ID_HEADER } from '../protocol/headers.ts';
import { shortened } from '../protocol/secrets.ts';
import { Aliases } from './ids/aliases.ts';
import { type IssuedId, SessionIds } from './ids/session-id.ts';
import { passingKey, sessionKeys } from './ids/session-key.ts';
import type { LogRecord } from './log.ts';
import {
  type ServerEnvironment,
  type SessionManagerOptions,
  type Settings,
  settingsOf,
  systemServerEnvironment,
} from './options.ts';
import { Records } from './records.ts';
import { aliasName, mayReplace, unknownHandshake } from './replacement.ts';
import { Replicas } from './replicas/replicas.ts';
import { sdkTransport } from './sdk/sdk-transport.ts';
import type { Session } from './session.ts';
import { type SessionFactory, type SessionReason, SessionRegistry } from './session-registry.ts';
import { MemoryStore } from './store/memory.ts';
import type { SessionStore } from './store/store.ts';

/** What is around a manager. */
export interface Setting {
  /** The HTTP side of each session. Default: the SDK's. */
  readonly newTransport?: NewHttpTransport;
  /** Whether `Host` and `Origin` were checked (guard.ts) before a request comes here. Default false. */
  readonly isGuarded?: boolean;
}

/**
 * Serves MCP over Streamable HTTP to many clients, each in a session of its own (MCP 2025-11-25, basic/transports).
 *
 * ```ts
 * const manager = new SessionManager(() => createMyServer());
 * createServer(nodeListener(manager)).listen(3000, '127.0.0.1');
 * ```
 *
 * It replaces the map of transports that every server keeps by hand. A session outlives the process: its id proves
 * to the next one what this one knew of the client (session-id.ts), and the session is brought back (adoption.ts). It
 * gives the answers that clients need in order to recover from the rest: 400 for a request without a session id, 404
 * for an id that is not good (any more).
 */
export class SessionManager {
  readonly #settings: Settings;
  readonly #isGuarded: boolean;
  readonly #environment: ServerEnvironment;
  readonly #ids: SessionIds;
  readonly #store: SessionStore;
  readonly #ownsStore: boolean;
  readonly #records: Records;
  readonly #replicas: Replicas;
  readonly #registry: SessionRegistry;
  readonly #aliases: Aliases;
  #phase: 'open' | 'draining' | 'closed' = 'open';

  /**
   * @param setting where it stands; the default is what a server of the SDK needs
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
    this.#ids = new SessionIds({ keys, scope, maxLength, maxAgeMs });
    const { clock } = this.#environment;
    this.#ownsStore = options.store === undefined;
    this.#store = options.store ?? new MemoryStore({ now: () => clock.monotonic() });
    const onFailure = (what: string, why: string) => this.#degraded(`${what}: ${why}`, 'went on without');
    const timing = { clock, timeoutMs: settings.storeTimeoutMs, ttlMs: maxAgeMs };
    this.#records = new Records({ ...timing, store: this.#store, onFailure });
    const { newNonce } = this.#environment;
    this.#aliases = new Aliases({ records: this.#records, keys, newNonce, aliasMs: settings.aliasMs });
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
    if (transientBecause !== undefined) {
      this.#degraded(transientBecause, 'sessions will end with this process');
    }
  }

  /** How many sessions are held, those that are being opened included. */
  get sessions(): number {
    return this.#registry.size;
  }

  /**
   * Answers one HTTP request, whatever its path. Shaped like a `fetch` handler, and bound, so that it can be handed to
   * any server that speaks `Request` and `Response`. Never rejects.
   */
  readonly handle = async (request: Request, context: RequestContext = {}): Promise<Response> => {
    return responseOf(await this.answer(httpRequest(request, context), context), context.onSent);
  };

  /** The same without the platform's objects, as adapters of this project hand requests over. Never rejects. */
  readonly answer = async (request: HttpRequest, context: RequestContext = {}): Promise<HttpAnswer> => {
    let incoming: Incoming | undefined;
    try {
      incoming = new Incoming(request, context, this.#principalOf(request, context));
      return await this.#route(incoming);
    } catch (error) {
      // So that the answer, which bears the request's id, does not tell a session that is held from one that is not.
      const isUnknown = error instanceof Refused && error.refusal === unknownId && request.method === 'POST';
      if (isUnknown) await incoming?.json(this.#settings.maxBodyBytes).catch(() => {});
      return this.#refusal(error, request, incoming);
    }
  };

  /**
   * Stops in good order, as on SIGTERM: requests under way are finished, what their servers ask the client can still
   * be answered, and everything new gets 503 and `Retry-After`. GET streams are ended, since they never would by
   * themselves. Then closes. The sessions are not over: their clients find them again at the next process.
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

  /** Lets go of all sessions, breaks off what is under way, and answers every later request with 503. */
  async close(): Promise<void> {
    this.#phase = 'closed';
    await this.#registry.endAll('the manager was closed');
    await this.#registry.remembered();
    this.#replicas.close();
    if (this.#ownsStore) await this.#store.close();
  }

  async #route(incoming: Incoming): Promise<HttpAnswer> {
    const { request, sessionId } = incoming;
    if (this.#phase === 'closed') throw this.#shuttingDown();
    this.#check(request);
    // Before another replica is heard, an answer of the client could be taken for one to nobody.
    if (this.#replicas.isShared) await this.#replicas.ready;
    const session = sessionId === null ? undefined : await this.#held(sessionId, incoming);
    if (session) return this.#serve(session, incoming);
    if (request.method === 'POST') {
      const body = await incoming.json(this.#settings.maxBodyBytes);
      // Also when it carries an id that is not held: several clients keep sending the old one when they start over.
      if (isInitialize(body)) return this.#open(incoming, body);
    }
    if (sessionId === null) throw new Refused(missingId);
    return this.#serveUnheld(sessionId, incoming);
  }

  #principalOf(request: HttpRequest, context: RequestContext): string | undefined {
    const theirs = this.#settings.principalOf;
    return theirs === principalOf ? principalOf(context) : theirs(context, platformRequest(request));
  }

  /** What is wrong with a request whatever session it is for. */
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

  /** The session of that id, if this process holds it. @throws Refused when it is not this client's, or over */
  async #held(sessionId: string, { principal }: Incoming): Promise<Session | undefined> {
    const session = await this.#registry.find(sessionId);
    if (!session) return undefined;
    if (session.principal !== principal) throw new Refused(unknownId, 'it belongs to another principal');
    if (this.#environment.clock.now() - session.issuedAt > this.#settings.maxAgeMs) {
      await session.end('older than maxAgeMs', false);
      throw new Refused(unknownId, 'it is older than maxAgeMs');
    }
    // Asked each time, and not only told: what another replica says may get lost on its way here.
    if (this.#replicas.isShared && (await this.#records.isEnded(sessionId))) {
      await session.end('ended at another replica', false);
      throw new Refused(unknownId, 'it was ended');
    }
    return session;
  }

  async #serve(session: Session, incoming: Incoming): Promise<HttpAnswer> {
    const { request } = incoming;
    if (this.#phase !== 'open' && (await this.#isWork(incoming))) throw this.#shuttingDown();
    if (incoming.hasMessages) await incoming.json(this.#settings.maxBodyBytes);
    // While the body was on its way it may have been hibernated, or have ended.
    if (session.hasEnded) return this.#serveUnheld(session.id, incoming);
    try {
      const answer = await session.handle(request, incoming.context);
      if (request.method === 'DELETE') await this.#registry.remembered();
      return answer;
    } catch (error) {
      // What is left of it cannot be trusted; its id can, and the next request makes it again.
      await session.end(`it failed: ${describeError(error)}`, false);
      throw error;
    }
  }

  /** Whether a request begins something: not an answer to a question, not a word, not an end. */
  async #isWork(incoming: Incoming): Promise<boolean> {
    if (incoming.request.method !== 'POST') return incoming.request.method === 'GET';
    return asks(await incoming.json(this.#settings.maxBodyBytes));
  }

  async #open(incoming: Incoming, body: unknown): Promise<HttpAnswer> {
    // The manager may have been closed while the body was on its way.
    if (this.#phase !== 'open') throw this.#shuttingDown();
    const handshake = handshakeIn(body) ?? unknownHandshake(incoming);
    const issued = this.#issue(handshake, incoming);
    const { session } = await this.#registry.create(this.#newSession('new', issued.id, incoming, handshake));
    const answer = await session.handle(incoming.request, incoming.context);
    // A request that the transport refuses (Accept, version, shape) has opened nothing that its client could use.
    if (!isOk(answer)) {
      await session.end(`its opening request was refused with ${answer.status}`, false);
    } else if (!issued.carriesHandshake) {
      await session.pendingWrites.keep('handshake', () => this.#records.keepHandshake(issued.id, handshake));
    }
    return answer;
  }

  /** A request with an id that this process does not hold: of a session to bring back, of one that is over, or of none. */
  async #serveUnheld(sessionId: string, incoming: Incoming): Promise<HttpAnswer> {
    if (!/^[\x21-\x7e]+$/.test(sessionId)) throw new Refused(malformedId);
    const proof = this.#ids.check(sessionId, incoming.principal, this.#environment.clock.now());
    if (proof.kind === 'unknown') return this.#replace(sessionId, incoming);
    if (proof.kind !== 'ours') throw new Refused(unknownId, `the id is ${proof.kind}`);
    if (!this.#settings.adoptSessions) throw new Refused(unknownId, 'its process is gone');
    if (await this.#records.isEnded(sessionId)) throw new Refused(unknownId, 'it was ended');
    if (incoming.request.method === 'DELETE') {
      await this.#registry.remember(sessionId);
      return { status: 200, headers: {} };
    }
    if (this.#phase !== 'open') throw this.#shuttingDown();
    const handshake = proof.handshake ?? (await this.#records.handshake(sessionId));
    if (!handshake)
      throw new Refused(unknownId, 'its handshake did not fit into the id, and no store has it');
    const known = agreed(handshake, incoming.request);
    const adopted = { ...this.#newSession('adopted', sessionId, incoming, known), issuedAt: proof.issuedAt };
    const session = await this.#registry.adopt(adopted);
    return this.#serve(session, incoming);
  }

  /** An id that we did not sign: the policy `unknownSession`. */
  async #replace(unknown: string, incoming: Incoming): Promise<HttpAnswer> {
    if (this.#settings.unknownSession === 'reject') throw new Refused(unknownId);
    if (!mayReplace(incoming)) {
      throw new Refused(unknownId, 'replaced only for this machine, or with an authorization');
    }
    const sessionId = await this.#replacementOf(unknown, incoming);
    const renamed = incoming.as(sessionId);
    const session = await this.#held(sessionId, renamed);
    const answer = await (session ? this.#serve(session, renamed) : this.#serveUnheld(sessionId, renamed));
    // On each answer, and not only on the first: that may be the one that got lost.
    return { ...answer, headers: { ...answer.headers, [SESSION_ID_HEADER]: sessionId } };
  }

  async #replacementOf(unknown: string, incoming: Incoming): Promise<string> {
    const name = aliasName(unknown, incoming.principal);
    const known = await this.#aliases.of(name);
    if (known !== undefined) return known;
    // Only who asks for something gets a session for it: a stream or a late answer has no use for an empty one.
    const isRequest = incoming.request.method === 'POST' && (await this.#isWork(incoming));
    if (!isRequest || this.#phase !== 'open') throw new Refused(unknownId);
    return this.#aliases.make(name, async () => {
      const handshake = unknownHandshake(incoming);
      const { id } = this.#issue(handshake, incoming);
      await this.#registry.adopt(this.#newSession('replaced', id, incoming, handshake));
      return id;
    });
  }

  #issue(handshake: Handshake, { principal }: Incoming): IssuedId {
    return this.#ids.issue(handshake, principal, this.#environment.newNonce(), this.#environment.clock.now());
  }

  #newSession(reason: SessionReason, sessionId: string, incoming: Incoming, handshake: Handshake) {
    return { reason, sessionId, issuedAt: this.#environment.clock.now(), incoming, handshake };
  }

  #shuttingDown(): Refused {
    return new Refused(unavailable('This server is shutting down.', this.#settings.retryAfterSeconds));
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
    // Undefined while the constructor has something to say.
    const sessions = this.#registry?.size ?? 0;
    try {
      this.#settings.log({ ...record, session, sessions });
    } catch {
      // A logger must not be able to break the session that it is told of.
    }
  }
}

/** The client says with each request which revision was agreed on, which the handshake it began with does not know. */
function agreed(handshake: Handshake, { headers }: HttpRequest): Handshake {
  return { ...handshake, protocolVersion: headers.get(PROTOCOL_VERSION_HEADER) ?? handshake.protocolVersion };
}
