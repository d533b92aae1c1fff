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
import { SESSION_ID_HEADER, sessionIdIn } from '../../protocol/headers.ts';
import { isRequest, type Request as RpcRequest } from '../../protocol/message.ts';
import { SessionSettings, type SettingsSnapshot } from '../../protocol/session-settings.ts';
import type { ServerEnvironment, Settings } from '../options.ts';
import type { ProcessTag } from '../replicas/server-request-id.ts';
import { MAX_SUBSCRIPTIONS, PendingWrites } from '../store/records.ts';
import { Idleness } from './idleness.ts';
import { isOurs } from './own-request.ts';
import { type SessionTraffic, SessionTransport } from './session-transport.ts';

/**
 * What the companion needs of a server: the SDK's `McpServer` and `Server` both have it. A server learns of the
 * session's end by the transport's `onclose`; what it finds there when it connects, it has to call as well.
 */
export interface SessionServer {
  connect(transport: Transport): Promise<void>;
}

/** How a session ended. Only an ending that is final is remembered: the others leave a session that may come back. */
export interface SessionEnd {
  readonly reason: string;
  /** Whether the id is to be refused from now on. */
  readonly isFinal: boolean;
  /** What a record says was done. Default `closed`. */
  readonly action?: 'closed' | 'hibernated';
}

/** Who holds sessions, and is told of what happens to them. */
export interface SessionHolder {
  readonly settings: Pick<Settings, 'idleMs' | 'hibernateAfterMs' | 'maxBodyBytes' | 'jsonResponses'>;
  readonly environment: ServerEnvironment;
  readonly newTransport: NewHttpTransport;
  /** Names this process in the questions that the server asks. */
  readonly tag: ProcessTag;
  /** Whether a session that was idle for too long is over for good, or only no longer held here. */
  readonly isIdleFinal: boolean;
  /** The client has changed, by this request, what has to be said again when the session comes back. */
  changed(session: Session, settings: SessionSettings, request: RpcRequest): void;
  /** The number of open GET streams has become one, or none. */
  listening(session: Session, isListening: boolean): void;
  /** A message of the server found no way to a client that takes JSON alone. */
  dropped(session: Session, message: JSONRPCMessage): void;
  /** The session has been idle for `hibernateAfterMs`. */
  hibernationDue(session: Session): void;
  /** The session has ended, whoever ended it. Told once. */
  ended(session: Session, end: SessionEnd): void;
}

/** What one session does not share with the others of its holder. */
export interface SessionParts {
  readonly id: string;
  /** Whom it belongs to. */
  readonly principal: string | undefined;
  /** When it was first opened, in ms since the epoch, whichever process did that. */
  readonly issuedAt: number;
  readonly traffic: Omit<SessionTraffic, 'succeeded' | 'broke' | 'isListening'>;
  /** Keeps what is sent, so that a client can come back for it; undefined when streams are not resumable. */
  readonly events: { readonly log: EventLog; readonly news: StreamNews } | undefined;
}

const closedByServer: SessionEnd = { reason: 'closed by its server', isFinal: true };
const endedByClient: SessionEnd = { reason: 'ended by its client', isFinal: true };

/**
 * One session as this process holds it: one server object and one transport, which does the protocol (the SDK's, as a
 * rule). This class adds what the SDK leaves to its user: an end. A session ends by DELETE, by its server's own `close()`, by
 * `end()`, or when it has been idle: no request under way and no stream open for `idleMs`.
 */
export class Session {
  readonly id: string;
  readonly principal: string | undefined;
  readonly issuedAt: number;
  /** The small value that the server's author keeps in it. */
  state: unknown;
  readonly pendingWrites = new PendingWrites();
  readonly #inner: HttpTransport;
  readonly #transport: SessionTransport;
  readonly #holder: SessionHolder;
  readonly #events: SessionParts['events'];
  /** Made when it is needed: most sessions have none, and there may be many sessions. */
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

  /** Whether it is over, or no longer held here. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Whether nothing would be missed if its server were gone now: nobody waits for an answer, on either side. */
  get isQuiet(): boolean {
    return this.#idleness.isIdle && !this.#transport.isAwaiting;
  }

  /** Since when nothing would be missed, by the monotonic clock; undefined while something would. */
  get quietSince(): number | undefined {
    return this.#transport.isAwaiting ? undefined : this.#idleness.idleSince;
  }

  /** Since when its client does nothing but listen, by the monotonic clock; undefined while it does more, or less. */
  get listeningSince(): number | undefined {
    const listensOnly = this.#streams > 0 && this.#idleness.underWay === this.#streams;
    return listensOnly && !this.#transport.isAwaiting ? this.#workedAt : undefined;
  }

  /** Gives the session its server. Rejects with what the server's `connect` throws. */
  async connect(server: SessionServer): Promise<void> {
    await server.connect(this.#transport);
    if (!this.#ended) return;
    // It ended while its server was being made, which could not hear of it then and may hold things for it.
    this.#transport.onclose?.();
    throw new Error(`the session was ended meanwhile: ${this.#end.reason}`);
  }

  /**
   * Takes the session for initialized, with what its client had set. The factory was given both as data.
   * @returns whether the transport can; else the handshake has to be said to it
   */
  restore(settings: SettingsSnapshot | undefined): boolean {
    if (!this.#transport.restore()) return false;
    if (settings) this.#changeable.restore(settings);
    return true;
  }

  /**
   * Answers one request of this session. The session is not idle until the answer's body has been sent.
   * Rejects with what its server threw: then it is of no more use.
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

  /** Hands the server a message of the client that came to another process. */
  deliver(message: JSONRPCMessage): void {
    this.#transport.deliver(message);
  }

  /** Sends a message of this session's server in another process on the GET stream that is open here. */
  async sendOnStream(message: JSONRPCMessage): Promise<void> {
    await this.#inner.send(message);
  }

  /** Ends the GET stream, if there is one: its client may open another, here or elsewhere. */
  closeStream(): void {
    this.#inner.closeStandaloneSSEStream();
  }

  /** Ends the session, and with it its server. Safe to call twice. */
  async end(reason: string, isFinal: boolean): Promise<void> {
    if (this.#ended) return;
    this.#end = { reason, isFinal };
    await this.#inner.close();
  }

  /** Lets go of the server and of all that belongs to it; the next request of its client makes it again. */
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
    // What is refused has not reached the server.
    if (!isOk(answer)) this.#transport.unexpect(ids);
    if (!isJsonAlone) return { answer, isRest: false };
    return { answer: await asJson(answer, parsedBody, (other) => this.#say(other)), isRest: false };
  }

  /** The request in the strict form that transports want, where it is meant and not said so. */
  #fitted(request: HttpRequest, accept: string | undefined): HttpRequest {
    const given = request.headers.get(SESSION_ID_HEADER);
    const isTwice = given !== this.id && sessionIdIn(given) === this.id;
    if (accept === undefined && !isTwice) return request;
    return withHeaders(request, {
      ...(accept !== undefined && { accept }),
      ...(isTwice && { [SESSION_ID_HEADER]: this.id }),
    });
  }

  /** A message that there is no way for but the client's own stream. */
  #say(message: JSONRPCMessage): void {
    if (this.#streams > 0) return void this.sendOnStream(message);
    this.#holder.dropped(this, message);
    // Its server would wait for an answer that nobody can give.
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
