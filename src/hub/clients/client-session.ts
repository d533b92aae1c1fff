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

/** Messages that are held at once; beyond that the oldest is dropped. */
const MAX_HELD = 100;

/** What the transport of a session can do beyond the SDK's `Transport`. */
interface SessionStreams {
  /** Whether the client has its GET stream open. Where there is no such thing, every message finds its way. */
  readonly isListening?: boolean;
  /** Called when it has opened one. */
  onlistening?: () => void;
  /** The server answers a request with a stream. */
  expectStream?(requestId: RequestId): void;
  closeSSEStream?(requestId: RequestId): void;
}

/** A client whose session an earlier gateway has begun: what it said then, and will not say again. */
export interface RestoredClient {
  readonly handshake: Handshake;
  readonly settings: SettingsSnapshot | undefined;
  /** Resolves when the server can be reached; need not, if that will never be. */
  readonly whenReady: () => Promise<void>;
}

export interface ClientSessionOptions {
  /** For a client that has its session from an earlier gateway. */
  readonly restored?: RestoredClient | undefined;
  /** Asked at the end: whether the server keeps its session, for another connection to go on with. Default: it does not. */
  readonly keepsSession?: () => boolean;
  /** Told when the client has read a list to its end, and how much there is on it. */
  readonly onCounted?: OnCounted;
}

/** A request of the client that has no answer yet. */
interface Call {
  readonly request: Request;
  readonly settled: Promise<void>;
  /** Whether the connection has it. */
  isPassedOn: boolean;
}

/**
 * Pumps messages between one session of the gateway (downstream) and one connection to a server (upstream), as they
 * are. A request that the connection cannot get answered is answered here, with the connection's own words: the
 * client's session outlives every trouble of the server's.
 *
 * It takes the place of an SDK `Server` in the companion's session manager: `initialize` is the server's to answer.
 */
export class ClientSession {
  readonly #upstream: RelayUpstream;
  readonly #held = new HeldMessages();
  /** In the order in which they came. */
  readonly #calls = new Map<RequestId, Call>();
  /** Notifications and answers of the client on their way. */
  readonly #underWay = new Set<Promise<void>>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #initialized: InitializedDelivery;
  readonly #restored: RestoredClient | undefined;
  /** Requests of the relay's own that are under way. */
  readonly #own = new Set<RequestId>();
  readonly #keepsSession: () => boolean;
  readonly #lists: PassingLists | undefined;
  #downstream: (Transport & SessionStreams) | undefined;
  #upstreamEnds: Promise<void> | undefined;

  /**
   * @param upstream not started yet
   */
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

  /** Resolves when the connection has ended, which is the last of it. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Joins both sides. When the session ends, so does the connection. Rejects when one of them cannot be started. */
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
   * Ends the connection and answers what is still open with `CONNECTION_CLOSED`. The session itself is its manager's to
   * end: ended from here it would be over for good, and a later gateway could not serve it.
   */
  async close(): Promise<void> {
    await this.#endUpstream();
    await Promise.all([...this.#calls.values()].map(({ settled }) => settled));
  }

  /** Resolves when every request of the client has its answer, and everything else that it said was taken. */
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
   * Tells the server who the client is, and what it had set. Nobody waits for that: the client has its session, whether
   * or not the server can be reached now.
   */
  #restore({ handshake, settings, whenReady }: RestoredClient): void {
    // The connection tries it again by itself.
    void this.#ask('initialize', { ...handshake }).catch(() => {});
    // One that was not told of an earlier connection (`takeOver`) has to hear this as well.
    this.#initialized.begin({ jsonrpc: '2.0', method: 'notifications/initialized' });
    const again = async (method: string, params: Request['params']) => {
      await whenReady();
      await this.#ask(method, params);
    };
    for (const { method, params } of settings ? settingRequests(settings) : []) {
      void this.#ask(method, params).catch(() => again(method, params).catch(() => {}));
    }
  }

  /** Sends a request of the relay's own, under an id that no client uses. Its answer goes to nobody. */
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

  /** Whether a request is given up that still waits here: then it is not the server's business. */
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
      // Answered by now, unless the client has cancelled it.
      if (this.#isOpen(call)) await this.#drop(request.id);
    } catch (error) {
      await this.#answer(failureAnswer(request.id, error));
    }
  }

  #isOpen(call: Call): boolean {
    return this.#calls.get(call.request.id) === call;
  }

  /** A notification, or the answer to a question. */
  async #tell(message: Notification | Response): Promise<void> {
    try {
      await this.#initialized.done();
      await this.#upstream.send(message as JSONRPCMessage);
    } catch {
      // There is no way to say so: the client was told "accepted" before it was tried.
    }
  }

  async #answer(response: Response): Promise<void> {
    const id = response.id as RequestId;
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (call) this.#lists?.observe(call.request, response);
    await this.#toClient(response);
    // Without its handshake the session is of no use to anybody, and the client does not know of it.
    if (call?.request.method === 'initialize' && isErrorResponse(response)) await this.#downstream?.close();
  }

  /**
   * Ends the stream of a request that was cancelled: MCP wants no answer to it, and the SDK's transport would hold the
   * stream for ever, so that its session never became idle. The answer, which goes nowhere, makes it forget the rest.
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
    // The client may have gone in between: then there is nobody left to tell.
    await this.#downstream?.send(message as JSONRPCMessage, options).catch(() => {});
  }

  #release(): void {
    for (const message of this.#held.release()) void this.#toClient(message);
  }

  /**
   * On the stream of which request a message goes to the client; undefined for the GET stream. It goes as it came. Where
   * that says nothing, progress goes with the request that asked for it, and what came on the server's own stream to
   * the client's; a client that has none, which need not, gets it with its newest request, or with the next.
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
 * What the server says of its own accord while the client has neither a GET stream nor a request open: there is no way
 * to it then, which some clients never open, and most not before a moment has passed. Kept in its order.
 */
class HeldMessages {
  readonly #held: (Request | Notification)[] = [];

  hold(message: Request | Notification): void {
    // Progress is of a request that is over.
    if (message.method === 'notifications/progress') return;
    this.#held.push(message);
    if (this.#held.length > MAX_HELD) this.#held.shift();
  }

  /** All of them, now that there is a way. */
  release(): (Request | Notification)[] {
    return this.#held.splice(0);
  }
}
