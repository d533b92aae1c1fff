import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { meantBy } from '../../endpoint/accept.ts';
import { type HttpAnswer, type HttpRequest, isOk, withHeaders } from '../../endpoint/http.ts';
import { idsIn, type RequestContext } from '../../endpoint/incoming.ts';
import { idIsTaken, refuse, rpcCode } from '../../endpoint/refusals.ts';
import type { HttpTransport, NewHttpTransport } from '../../endpoint/session/http-transport.ts';
import { asJson } from '../../endpoint/streams/as-json.ts';
import type { EventLog } from '../../endpoint/streams/event-log.ts';
import { answerGet, type StreamNews } from '../../endpoint/streams/resumption.ts';
import { SESSION_ID_HEADER, sessionIdIn } from '../../protocol/http/headers.ts';
import { isRequest, type Request as RpcRequest } from '../../protocol/message.ts';
import { SessionSettings, type SettingsSnapshot } from '../../protocol/session-settings.ts';
import type { ServerEnvironment, Settings } from '../options.ts';
import type { ProcessTag } from '../replicas/server-request-id.ts';
import { MAX_SUBSCRIPTIONS, PendingWrites } from '../store/records.ts';
import { Idleness } from './idleness.ts';
import { isOurs } from './own-request.ts';
import { type SessionTraffic, SessionTransport } from './session-transport.ts';

/**
 * The part of a server that the companion uses; the SDK's `McpServer` and `Server` have it. The transport's
 * `onclose` reports the end of the session. A server that replaces `onclose` when it connects must call the
 * previous callback.
 */
export interface SessionServer {
  connect(transport: Transport): Promise<void>;
}

/** How a session ended. Only a final end is stored; after any other, the session may come back. */
export interface SessionEnd {
  readonly reason: string;
  /** Whether the id is refused from now on. */
  readonly isFinal: boolean;
  /** The `action` of the log record. Default `closed`. */
  readonly action?: 'closed' | 'hibernated';
}

/** Holder of sessions, with callbacks for their events. */
export interface SessionHolder {
  readonly settings: Pick<Settings, 'idleMs' | 'hibernateAfterMs' | 'maxBodyBytes' | 'jsonResponses'>;
  readonly environment: ServerEnvironment;
  readonly newTransport: NewHttpTransport;
  /** Identifies this process in the ids of server requests. */
  readonly tag: ProcessTag;
  /** Whether an idle timeout ends a session for good; otherwise it is only released here. */
  readonly isIdleFinal: boolean;
  /** The client's request has changed a setting that must be replayed when the session is restored. */
  changed(session: Session, settings: SessionSettings, request: RpcRequest): void;
  /** The session's first GET stream has opened, or its last has ended. */
  listening(session: Session, isListening: boolean): void;
  /** A server message was dropped: the client accepts JSON alone. */
  dropped(session: Session, message: JSONRPCMessage): void;
  /** The session has been idle for `hibernateAfterMs`. */
  hibernationDue(session: Session): void;
  /** The session has ended, for any cause. Called once. */
  ended(session: Session, end: SessionEnd): void;
}

/** The parts of one session that are not shared with other sessions of its holder. */
export interface SessionParts {
  readonly id: string;
  /** The principal that owns the session. */
  readonly principal: string | undefined;
  /** When the session was first opened by any process, in ms since the epoch. */
  readonly issuedAt: number;
  readonly traffic: Omit<SessionTraffic, 'succeeded' | 'broke' | 'isListening'>;
  /** Log of sent messages, for a client that resumes a stream; undefined when streams are not resumable. */
  readonly events: { readonly log: EventLog; readonly news: StreamNews } | undefined;
}

const closedByServer: SessionEnd = { reason: 'closed by its server', isFinal: true };
const endedByClient: SessionEnd = { reason: 'ended by its client', isFinal: true };

/**
 * One session as this process holds it: one server object and one transport (usually the SDK's), which does
 * the protocol. This class adds the end, which the SDK leaves to its user. A session ends by DELETE, by its
 * server's own `close()`, by `end()`, or when it has been idle for `idleMs`: no request under way and no
 * stream open.
 */
export class Session {
  readonly id: string;
  readonly principal: string | undefined;
  readonly issuedAt: number;
  /** The small value that the server's author keeps in the session. */
  state: unknown;
  readonly pendingWrites = new PendingWrites();
  readonly #inner: HttpTransport;
  readonly #transport: SessionTransport;
  readonly #holder: SessionHolder;
  readonly #events: SessionParts['events'];
  /** Created on demand: most sessions have none, and there may be many sessions. */
  #settings: SessionSettings | undefined;
  #broken: { readonly error: unknown } | undefined;
  readonly #idleness: Idleness;
  #streams = 0;
  #workedAt = 0;
  #end = closedByServer;
  #ended = false;

  constructor(holder: SessionHolder, { id, principal, issuedAt, traffic, events }: SessionParts) {
    this.id = id;
    this.principal = principal;
    this.issuedAt = issuedAt;
    this.#holder = holder;
    this.#events = events;
    const { environment, settings, isIdleFinal, tag } = holder;
    const { idleMs, hibernateAfterMs, maxBodyBytes, jsonResponses } = settings;
    this.#idleness = new Idleness({
      clock: environment.clock,
      idleMs,
      hibernateAfterMs,
      onIdle: () => void this.end(`idle for ${idleMs} ms`, isIdleFinal),
      onHibernationDue: () => holder.hibernationDue(this),
    });
    this.#inner = holder.newTransport({
      sessionId: id,
      ...environment,
      log: events?.log,
      maxBodyBytes,
      jsonResponses,
      onDeleted: () => {
        this.#end = endedByClient;
      },
    });
    this.#transport = new SessionTransport(this.#inner, tag, {
      ...traffic,
      succeeded: (request) => this.#changed(request),
      isListening: () => this.#streams > 0,
      broke: (error) => {
        this.#broken ??= { error };
      },
    });
    this.#inner.onclose = () => {
      this.#transport.onclose?.();
      this.#hasEnded();
    };
  }

  /** Whether a GET stream of this session is open here. */
  get isListening(): boolean {
    return this.#streams > 0;
  }

  /** Whether the session has ended, or is no longer held here. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Whether neither side waits for an answer, so that nothing is lost if the server is closed now. */
  get isQuiet(): boolean {
    return this.#idleness.isIdle && !this.#transport.isAwaiting;
  }

  /** Start of the quiet period, by the monotonic clock; undefined while the session is not quiet. */
  get quietSince(): number | undefined {
    return this.#transport.isAwaiting ? undefined : this.#idleness.idleSince;
  }

  /** Since when the client only listens on a GET stream, by the monotonic clock; undefined otherwise. */
  get listeningSince(): number | undefined {
    const listensOnly = this.#streams > 0 && this.#idleness.underWay === this.#streams;
    return listensOnly && !this.#transport.isAwaiting ? this.#workedAt : undefined;
  }

  /** Connects the server to the session. Rejects with the error of the server's `connect`. */
  async connect(server: SessionServer): Promise<void> {
    await server.connect(this.#transport);
    if (!this.#ended) return;
    // The session ended while its server was being made. The server could not hear of that then, and may hold
    // resources for the session.
    this.#transport.onclose?.();
    throw new Error(`the session was ended meanwhile: ${this.#end.reason}`);
  }

  /**
   * Marks the session as initialized, with the client's settings. The factory received both as data.
   * @returns whether the transport can; otherwise the handshake must be replayed
   */
  restore(settings: SettingsSnapshot | undefined): boolean {
    if (!this.#transport.restore()) return false;
    if (settings) this.#changeable.restore(settings);
    return true;
  }

  /**
   * Answers one request of this session. The session is not idle until the answer's body has been sent.
   * Rejects with the server's error, after which the session is unusable.
   */
  async handle(request: HttpRequest, context: RequestContext): Promise<HttpAnswer> {
    this.#idleness.begin();
    let answered: { readonly answer: HttpAnswer; readonly isRest: boolean };
    try {
      answered = await this.#answer(request, context);
      if (this.#broken) throw this.#broken.error;
    } catch (error) {
      this.#idleness.finish();
      throw error;
    }
    const { answer, isRest } = answered;
    const isStream = request.method === 'GET' && isOk(answer) && !isRest;
    if (isStream) this.#listen(1);
    this.#workedAt = this.#holder.environment.clock.monotonic();
    const onSent = () => {
      if (isStream) this.#listen(-1);
      else this.#workedAt = this.#holder.environment.clock.monotonic();
      this.#idleness.finish();
    };
    return { ...answer, onSent };
  }

  /** Delivers a client message that arrived at another process. */
  deliver(message: JSONRPCMessage): void {
    this.#transport.deliver(message);
  }

  /** Sends a message of the session's server in another process on the GET stream that is open here. */
  async sendOnStream(message: JSONRPCMessage): Promise<void> {
    await this.#inner.send(message);
  }

  /** Ends the GET stream, if any. The client may open another, here or elsewhere. */
  closeStream(): void {
    this.#inner.closeStandaloneSSEStream();
  }

  /** Ends the session and closes its server. Idempotent. */
  async end(reason: string, isFinal: boolean): Promise<void> {
    if (this.#ended) return;
    this.#end = { reason, isFinal };
    await this.#inner.close();
  }

  /** Releases the server and all its resources. The client's next request creates a new server. */
  async hibernate(reason: string): Promise<void> {
    if (this.#ended) return;
    this.#end = { reason, isFinal: false, action: 'hibernated' };
    await this.#inner.close();
  }

  /** Resolves when no request is under way and no stream is open, and when the session ends. */
  atRest(): Promise<void> {
    return this.#idleness.untilIdle();
  }

  async #answer(
    request: HttpRequest,
    { authInfo, parsedBody }: RequestContext,
  ): Promise<{ readonly answer: HttpAnswer; readonly isRest: boolean }> {
    const ask = (each: HttpRequest) => {
      return this.#inner.answer(each, {
        ...(authInfo && { authInfo }),
        ...(parsedBody !== undefined && { parsedBody }),
      });
    };
    const { accept, isJsonAlone } = meantBy(request);
    const fit = this.#fitted(request, accept);
    const events = this.#events;
    if (events && fit.method === 'GET') {
      return answerGet(fit, { ...events, open: ask, replace: () => this.closeStream() });
    }
    const ids = idsIn(parsedBody);
    if (!this.#transport.expect(ids)) return { answer: refuse(idIsTaken), isRest: false };
    const answer = await ask(fit);
    // A refused request has not reached the server.
    if (!isOk(answer)) this.#transport.unexpect(ids);
    if (!isJsonAlone) return { answer, isRest: false };
    return { answer: await asJson(answer, parsedBody, (other) => this.#say(other)), isRest: false };
  }

  /**
   * The request with the strict `Accept` that transports want, where the client means it but did not write
   * it.
   */
  #fitted(request: HttpRequest, accept: string | undefined): HttpRequest {
    const given = request.headers.get(SESSION_ID_HEADER);
    const isTwice = given !== this.id && sessionIdIn(given) === this.id;
    if (accept === undefined && !isTwice) return request;
    return withHeaders(request, {
      ...(accept !== undefined && { accept }),
      ...(isTwice && { [SESSION_ID_HEADER]: this.id }),
    });
  }

  /** A message that only the client's own GET stream can carry. */
  #say(message: JSONRPCMessage): void {
    if (this.#streams > 0) return void this.sendOnStream(message);
    this.#holder.dropped(this, message);
    // The server would wait for a response that cannot come.
    const error = { code: rpcCode.refused, message: 'The client takes JSON alone, and has no stream open.' };
    if (isRequest(message)) this.deliver({ jsonrpc: '2.0', id: message.id, error });
  }

  get #changeable(): SessionSettings {
    this.#settings ??= new SessionSettings(MAX_SUBSCRIPTIONS);
    return this.#settings;
  }

  #changed(request: RpcRequest): void {
    const settings = this.#changeable;
    settings.apply(request);
    if (!isOurs(request.id)) this.#holder.changed(this, settings, request);
  }

  #listen(change: 1 | -1): void {
    this.#streams += change;
    if (this.#ended || this.#streams !== (change === 1 ? 1 : 0)) return;
    this.#holder.listening(this, change === 1);
    if (change === 1) this.#transport.onlistening?.();
  }

  #hasEnded(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#idleness.stop();
    this.#events?.log.end();
    this.#holder.ended(this, this.#end);
  }
}
