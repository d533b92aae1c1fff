import type { RequestId } from '@modelcontextprotocol/sdk/types.js';
import { describeError, ResilientMcpError } from '../protocol/errors.ts';
import { SESSION_ID_HEADER } from '../protocol/headers.ts';
import { isRequest } from '../protocol/message.ts';
import { type Refusal, refuse, rpcCode } from './answers.ts';
import { type ReadBody, readJson } from './body.ts';
import { type ServerEnvironment, systemServerEnvironment } from './environment.ts';
import { type GuardOptions, guard } from './guard.ts';
import { type Log, type LogRecord, shortened } from './log.ts';
import { type RequestContext, Session, type SessionServer } from './session.ts';

/**
 * Why a session is created. `new`: a client asked for one. `adopted`: a client brought the id of a session that an
 * earlier process issued. `replaced`: a client brought an id that nobody can vouch for.
 */
export type SessionReason = 'new' | 'adopted' | 'replaced';

export interface SessionRequest {
  readonly reason: SessionReason;
  /** Whole. It is a credential: do not log it. */
  readonly sessionId: string;
  /** The request that opens the session. Its body has been read. */
  readonly request: Request;
  readonly context: RequestContext;
}

/** Makes the server of one session. Called once per session: sessions must not share a server object. */
export type SessionFactory = (session: SessionRequest) => SessionServer | Promise<SessionServer>;

export interface SessionManagerOptions extends GuardOptions {
  /** How long a session may be idle (no request under way, no stream open), in ms. Default 30 minutes. */
  readonly idleMs?: number;
  /** How many sessions are held at once; a client over that gets 503 and `Retry-After`. Default 1,000. */
  readonly maxSessions?: number;
  /** What `Retry-After` says then, in seconds. Default 5. */
  readonly retryAfterSeconds?: number;
  /** The largest request body, in bytes; over that a client gets 413. Default 4 MiB. */
  readonly maxBodyBytes?: number;
  /** Answers with JSON bodies in place of event streams. Progress and requests to the client need streams. Default false. */
  readonly jsonResponses?: boolean;
  /** Receives one record for each session opened or ended and each request refused. Default: none is kept. */
  readonly log?: Log;
  /** The clock and the source of ids. */
  readonly environment?: Partial<ServerEnvironment>;
}

const defaults = {
  idleMs: 30 * 60_000,
  maxSessions: 1000,
  retryAfterSeconds: 5,
  maxBodyBytes: 4 * 1024 * 1024,
  jsonResponses: false,
  log: () => {},
} as const;

/**
 * Serves MCP over Streamable HTTP to many clients, each in a session of its own (MCP 2025-11-25, basic/transports).
 *
 * ```ts
 * const manager = new SessionManager(() => createMyServer());
 * createServer(nodeListener(manager)).listen(3000, '127.0.0.1');
 * ```
 *
 * It replaces the map of transports that every server keeps by hand, and gives the answers that clients need in order
 * to recover: 400 for a request without a session id, 404 for an id that is not known (any more).
 */
export class SessionManager {
  readonly #factory: SessionFactory;
  readonly #options: Required<Omit<SessionManagerOptions, keyof GuardOptions | 'environment'>> & GuardOptions;
  readonly #environment: ServerEnvironment;
  readonly #sessions = new Map<string, Session>();
  #closed = false;

  /** Throws `INVALID_CONFIGURATION` for an option that cannot be used. */
  constructor(factory: SessionFactory, options: SessionManagerOptions = {}) {
    const { environment, ...rest } = options;
    this.#factory = factory;
    this.#options = { ...defaults, ...rest };
    this.#environment = systemServerEnvironment(environment);
    for (const key of ['idleMs', 'maxSessions', 'retryAfterSeconds', 'maxBodyBytes'] as const) {
      if (this.#options[key] > 0) continue;
      throw new ResilientMcpError('INVALID_CONFIGURATION', `${key} must be a number over 0.`);
    }
  }

  /** How many sessions are held, those that are being opened included. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /**
   * Answers one HTTP request, whatever its path. Shaped like a `fetch` handler, and bound, so that it can be handed to
   * any server that speaks `Request` and `Response`. Never rejects.
   */
  readonly handle = async (request: Request, context: RequestContext = {}): Promise<Response> => {
    try {
      return await this.#route(request, context);
    } catch (error) {
      const session = request.headers.get(SESSION_ID_HEADER);
      this.#record('error', 'requestFailed', session, describeError(error), '500');
      return refuse({ status: 500, code: rpcCode.internalError, message: 'Internal error' });
    }
  };

  /** Ends all sessions and answers every later request with 503. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(
      [...this.#sessions.values()].map((session) => session.end('the manager was closed')),
    );
  }

  async #route(request: Request, context: RequestContext): Promise<Response> {
    if (this.#closed) return this.#refuse(request, this.#unavailable(shuttingDown));
    const refusal =
      guard(request.headers, new URL(request.url), this.#options) ?? methodRefusal(request.method);
    if (refusal) return this.#refuse(request, refusal);
    const id = request.headers.get(SESSION_ID_HEADER);
    const session = id === null ? undefined : this.#sessions.get(id);
    if (session) return session.handle(request, context);
    return request.method === 'POST'
      ? this.#postWithoutSession(request, context)
      : this.#refuse(request, id === null ? missingId : unknownId);
  }

  /**
   * Only `initialize` may come without a session. It opens a new one even when it carries an id that is not known:
   * several clients keep sending the old id when they start over, and what they ask for is plain.
   */
  async #postWithoutSession(request: Request, context: RequestContext): Promise<Response> {
    const body = await bodyOf(request, context, this.#options.maxBodyBytes);
    if ('refusal' in body) return this.#refuse(request, body.refusal);
    if (isInitialize(body.json)) return this.#open(request, { ...context, parsedBody: body.json });
    const refusal = request.headers.has(SESSION_ID_HEADER) ? unknownId : missingId;
    return this.#refuse(request, refusal, isRequest(body.json) ? body.json.id : null);
  }

  async #open(request: Request, context: RequestContext): Promise<Response> {
    const { maxSessions } = this.#options;
    // The manager may have been closed while the body was on its way.
    if (this.#closed) return this.#refuse(request, this.#unavailable(shuttingDown));
    if (this.#sessions.size >= maxSessions) {
      return this.#refuse(request, this.#unavailable(`This server holds ${maxSessions} sessions already.`));
    }
    const session = await this.#createSession('new', request, context);
    const response = await session.handle(request, context);
    // A request that the transport refuses (Accept, version, shape) has opened nothing that its client could use.
    if (!response.ok) await session.end(`its opening request was refused with ${response.status}`);
    return response;
  }

  /** The only place where sessions come from, whatever the reason. */
  async #createSession(reason: SessionReason, request: Request, context: RequestContext): Promise<Session> {
    const sessionId = this.#environment.newSessionId();
    const session = new Session({
      ...this.#options,
      id: sessionId,
      clock: this.#environment.clock,
      onEnded: (why) => {
        this.#sessions.delete(sessionId);
        this.#record('info', 'sessionEnded', sessionId, why, 'closed');
      },
    });
    // Held from the start, so that no number of requests at once gets over the limit.
    this.#sessions.set(sessionId, session);
    this.#record('info', 'sessionOpened', sessionId, reason, 'opened');
    try {
      await session.connect(await this.#factory({ reason, sessionId, request, context }));
    } catch (error) {
      await session.end('its server could not be made');
      throw error;
    }
    return session;
  }

  #unavailable(message: string): Refusal {
    const headers = { 'retry-after': String(this.#options.retryAfterSeconds) };
    return { status: 503, code: rpcCode.refused, message, headers };
  }

  #refuse(request: Request, refusal: Refusal, id: RequestId | null = null): Response {
    const session = request.headers.get(SESSION_ID_HEADER);
    this.#record('debug', 'requestRefused', session, refusal.message, String(refusal.status));
    return refuse(refusal, id);
  }

  #record(
    level: LogRecord['level'],
    event: LogRecord['event'],
    sessionId: string | null,
    reason: string,
    action: string,
  ): void {
    const session = sessionId === null ? undefined : shortened(sessionId);
    try {
      this.#options.log({ level, event, session, reason, action, sessions: this.#sessions.size });
    } catch {
      // A logger must not be able to break the session that it is told of.
    }
  }
}

const shuttingDown = 'This server is shutting down.';

const missingId: Refusal = {
  status: 400,
  code: rpcCode.refused,
  message: 'Bad Request: Mcp-Session-Id header is required',
};

/** 404 is what tells a client to initialize again (MCP 2025-11-25, session management, 4). */
const unknownId: Refusal = { status: 404, code: rpcCode.sessionNotFound, message: 'Session not found' };

function methodRefusal(method: string): Refusal | undefined {
  if (['GET', 'POST', 'DELETE'].includes(method)) return undefined;
  const headers = { allow: 'GET, POST, DELETE' };
  return { status: 405, code: rpcCode.refused, message: 'Method not allowed', headers };
}

function bodyOf(request: Request, context: RequestContext, maxBytes: number): Promise<ReadBody> {
  if (context.parsedBody !== undefined) return Promise.resolve({ json: context.parsedBody });
  return readJson(request, maxBytes);
}

/** Also as one message of a batch: the transport then says what is wrong with that. */
function isInitialize(body: unknown): boolean {
  const messages: unknown[] = Array.isArray(body) ? body : [body];
  return messages.some((message) => isRequest(message) && message.method === 'initialize');
}
