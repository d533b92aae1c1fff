import { randomUUID } from 'node:crypto';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import {
  cancelledId,
  isErrorResponse,
  isRequest,
  isResponse,
  isSameId,
  knownId,
  type Notification,
  progressTokenOf,
  type Request,
  type Response,
  tokenOf,
} from '../../protocol/message.ts';
import { type SettingsSnapshot, settingRequests } from '../../protocol/session-settings.ts';
import type { Handshake } from '../../server/index.ts';
import type { RelayUpstream } from '../server-definition.ts';
import { failureAnswer } from './failure-answer.ts';
import { InitializedDelivery } from './initialized-delivery.ts';
import { type OnCounted, PassingLists } from './passing-lists.ts';

/** Limit of held messages; beyond it the oldest is dropped. */
const MAX_HELD = 100;

/** Members of a session's transport beyond the SDK's `Transport`. */
interface SessionStreams {
  /**
   * Whether the client has an open GET stream. Undefined for a transport without one: every message can be
   * sent.
   */
  readonly isListening?: boolean;
  /** Called when the client opens its GET stream. */
  onlistening?: () => void;
  /** Answers this request with an SSE stream. */
  expectStream?(requestId: RequestId): void;
  closeSSEStream?(requestId: RequestId): void;
}

/**
 * A client whose session began at an earlier gateway: its handshake and settings, which it will not repeat.
 */
export interface RestoredClient {
  readonly handshake: Handshake;
  readonly settings: SettingsSnapshot | undefined;
  /** Resolves when the server is reachable; may stay pending. */
  readonly whenReady: () => Promise<void>;
}

export interface ClientSessionOptions {
  /** Present when the client's session began at an earlier gateway. */
  readonly restored?: RestoredClient | undefined;
  /** Called at the end: whether the server's session is kept for a later connection. Default: it is ended. */
  readonly keepsSession?: () => boolean;
  /** Called when the client has read a list to its end, with the number of entries. */
  readonly onCounted?: OnCounted;
}

/** A request of the client without an answer yet. */
interface Call {
  readonly request: Request;
  readonly settled: Promise<void>;
  /** Whether the request was passed to the connection. */
  isPassedOn: boolean;
}

/**
 * Relays messages unchanged between one gateway session (downstream) and one connection to a server
 * (upstream). When the connection cannot get an answer to a request, the client gets an error answer with the
 * connection's own message. The client's session outlives every failure of the server.
 *
 * It replaces the SDK's `Server` in the companion's session manager, because the server itself answers
 * `initialize`.
 */
export class ClientSession {
  readonly #upstream: RelayUpstream;
  readonly #held = new HeldMessages();
  /** In the order of arrival. */
  readonly #calls = new Map<RequestId, Call>();
  /** Notifications and responses of the client being sent. */
  readonly #underWay = new Set<Promise<void>>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #initialized: InitializedDelivery;
  readonly #restored: RestoredClient | undefined;
  /** Ids of this session's own requests under way. */
  readonly #own = new Set<RequestId>();
  readonly #keepsSession: () => boolean;
  readonly #lists: PassingLists | undefined;
  #downstream: (Transport & SessionStreams) | undefined;
  #upstreamEnds: Promise<void> | undefined;

  /** @param upstream not started yet */
  constructor(
    upstream: RelayUpstream,
    { restored, keepsSession = () => false, onCounted }: ClientSessionOptions = {},
  ) {
    this.#upstream = upstream;
    this.#initialized = new InitializedDelivery((message) => upstream.send(message as JSONRPCMessage));
    this.#restored = restored;
    this.#keepsSession = keepsSession;
    if (onCounted) this.#lists = new PassingLists(onCounted);
  }

  /** Resolves when the connection has ended, as the last step. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Joins both sides. The connection ends with the session. Rejects when one side cannot be started. */
  async connect(downstream: Transport): Promise<void> {
    const upstream = this.#upstream;
    this.#downstream = downstream;
    const tellOwner = downstream.onclose;
    downstream.onclose = () => {
      tellOwner?.();
      void this.#endUpstream();
    };
    downstream.onmessage = (message) => this.#fromClient(message);
    this.#downstream.onlistening = () => this.#release();
    upstream.onstream = (id) => this.#downstream?.expectStream?.(id);
    upstream.onmessage = (message, origin) => this.#fromServer(message, origin?.relatedRequestId);
    await upstream.start();
    await downstream.start();
    if (this.#restored) this.#restore(this.#restored);
  }

  /**
   * Ends the connection and answers open requests with `CONNECTION_CLOSED`. The session manager ends the
   * session itself: if it were ended here, a later gateway could not serve it.
   */
  async close(): Promise<void> {
    await this.#endUpstream();
    await Promise.all([...this.#calls.values()].map(({ settled }) => settled));
  }

  /** Resolves when every request of the client is answered and all its other messages are sent. */
  async atRest(): Promise<void> {
    while (this.#calls.size > 0 || this.#underWay.size > 0) {
      await Promise.all([...this.#underWay, ...[...this.#calls.values()].map(({ settled }) => settled)]);
    }
  }

  #endUpstream(): Promise<void> {
    const keepSession = this.#keepsSession();
    this.#upstreamEnds ??= this.#upstream.close({ keepSession }).finally(this.#ended.resolve);
    return this.#upstreamEnds;
  }

  /**
   * Repeats the client's handshake and settings to the server. Not awaited: the client has its session
   * whether or not the server is reachable.
   */
  #restore({ handshake, settings, whenReady }: RestoredClient): void {
    // The connection retries by itself.
    void this.#ask('initialize', { ...handshake }).catch(() => {});
    // A connection without `takeOver` needs `initialized` from here.
    this.#initialized.begin({ jsonrpc: '2.0', method: 'notifications/initialized' });
    const again = async (method: string, params: Request['params']) => {
      await whenReady();
      await this.#ask(method, params);
    };
    for (const { method, params } of settings ? settingRequests(settings) : []) {
      void this.#ask(method, params).catch(() => again(method, params).catch(() => {}));
    }
  }

  /** Sends a request under an id that no client uses. The answer is discarded. */
  async #ask(method: string, params: Request['params']): Promise<void> {
    const id = `resilient-mcp/${randomUUID()}`;
    this.#own.add(id);
    const request: Request = { jsonrpc: '2.0', id, method, params };
    await this.#upstream.send(request as JSONRPCMessage).finally(() => this.#own.delete(id));
  }

  #fromClient(message: JSONRPCMessage): void {
    if (isRequest(message)) {
      this.#begin(message);
    } else if (isResponse(message)) {
      this.#pass(this.#tell(message));
    } else if (message.method === 'notifications/initialized') {
      this.#initialized.begin(message);
      this.#pass(this.#initialized.done().catch(() => {}));
    } else {
      this.#pass(
        this.#isGivenUpUnsent(message)
          ? this.#drop(knownId(cancelledId(message), this.#calls))
          : this.#tell(message),
      );
    }
  }

  /** Whether the message cancels a request that still waits here. The server has not seen that request. */
  #isGivenUpUnsent(message: Notification): boolean {
    if (message.method !== 'notifications/cancelled') return false;
    return this.#calls.get(knownId(cancelledId(message), this.#calls))?.isPassedOn === false;
  }

  #begin(request: Request): void {
    const call: Call = {
      request,
      settled: Promise.resolve().then(() => this.#call(call)),
      isPassedOn: false,
    };
    this.#calls.set(request.id, call);
    if (request.method !== 'initialize') this.#release();
  }

  #pass(word: Promise<void>): void {
    this.#underWay.add(word);
    void word.then(() => this.#underWay.delete(word));
  }

  #fromServer(message: JSONRPCMessage, streamOf: RequestId | undefined): void {
    if (isResponse(message) && this.#own.has(message.id as RequestId)) return;
    if (isResponse(message)) void this.#answer(message);
    else void this.#toClient(message as Request | Notification, streamOf);
  }

  async #call(call: Call): Promise<void> {
    const { request } = call;
    try {
      await this.#initialized.done();
      if (!this.#isOpen(call)) return;
      call.isPassedOn = true;
      await this.#upstream.send(request as JSONRPCMessage);
      // Already answered, unless the client has cancelled it.
      if (this.#isOpen(call)) await this.#drop(request.id);
    } catch (error) {
      await this.#answer(failureAnswer(request.id, error));
    }
  }

  #isOpen(call: Call): boolean {
    return this.#calls.get(call.request.id) === call;
  }

  /** Sends a notification, or a response to a server's request. */
  async #tell(message: Notification | Response): Promise<void> {
    try {
      await this.#initialized.done();
      await this.#upstream.send(message as JSONRPCMessage);
    } catch {
      // The failure cannot be reported: the client's POST was answered 202 before the attempt.
    }
  }

  async #answer(response: Response): Promise<void> {
    const id = response.id as RequestId;
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (call) this.#lists?.observe(call.request, response);
    await this.#toClient(response);
    // Without a handshake the session is unusable, and the client has no other sign of it.
    if (call?.request.method === 'initialize' && isErrorResponse(response)) await this.#downstream?.close();
  }

  /**
   * Ends the stream of a cancelled request. MCP expects no answer, but the SDK's transport would keep the
   * stream open for ever, and the session would never become idle. This answer reaches no client; it makes
   * the transport forget the request.
   */
  async #drop(id: RequestId): Promise<void> {
    this.#calls.delete(id);
    if (!this.#downstream?.closeSSEStream) return;
    this.#downstream.closeSSEStream(id);
    await this.#toClient({ jsonrpc: '2.0', id, error: { code: 0, message: 'cancelled' } });
  }

  async #toClient(message: Request | Notification | Response, streamOf?: RequestId): Promise<void> {
    const relatedRequestId = isResponse(message) ? undefined : this.#relatedTo(message, streamOf);
    const isHeard = isResponse(message) || relatedRequestId !== undefined;
    if (!isHeard && this.#downstream?.isListening === false) return this.#held.hold(message);
    const options = relatedRequestId === undefined ? {} : { relatedRequestId };
    // The client may have left in the meantime.
    await this.#downstream?.send(message as JSONRPCMessage, options).catch(() => {});
  }

  #release(): void {
    for (const message of this.#held.release()) void this.#toClient(message);
  }

  /**
   * The request on whose stream a message goes to the client; undefined for the GET stream. By default the
   * message keeps its stream. Otherwise progress goes with its request, and messages of the server's GET
   * stream go to the client's GET stream. A client without one gets them with its newest request, or with the
   * next.
   */
  #relatedTo(message: Request | Notification, streamOf: RequestId | undefined): RequestId | undefined {
    if (streamOf !== undefined && this.#calls.has(streamOf)) return streamOf;
    const open = [...this.#calls.values()].map(({ request }) => request);
    const token = message.method === 'notifications/progress' ? tokenOf(message) : undefined;
    const asker = open.find((request) => token !== undefined && isSameId(progressTokenOf(request), token));
    if (asker) return asker.id;
    return this.#downstream?.isListening ? undefined : open.at(-1)?.id;
  }
}

/**
 * Server messages that arrive while the client has neither a GET stream nor an open request. Some clients
 * never open a GET stream, and most open it late. Kept in order.
 */
class HeldMessages {
  readonly #held: (Request | Notification)[] = [];

  hold(message: Request | Notification): void {
    // Progress belongs to a request that is over.
    if (message.method === 'notifications/progress') return;
    this.#held.push(message);
    if (this.#held.length > MAX_HELD) this.#held.shift();
  }

  /** Removes and returns all held messages. */
  release(): (Request | Notification)[] {
    return this.#held.splice(0);
  }
}
