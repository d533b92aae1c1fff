import type { Transport, TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, MessageExtraInfo, RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { HttpTransport } from '../../endpoint/session/http-transport.ts';
import {
  cancelledId,
  isNotification,
  isRequest,
  isResponse,
  type Notification,
  type Request,
} from '../../protocol/message.ts';
import { isSetting } from '../../protocol/session-settings.ts';
import { askerOf, type ProcessTag, withTaggedIds } from '../replicas/server-request-id.ts';

/** What a session does with messages that concern more than the server object on this transport. */
export interface SessionTraffic {
  /** The answer to, or the progress of, a question that another process has asked. */
  foreign(tag: ProcessTag, message: JSONRPCMessage): void;
  /** A notification of the client, which every server object of this session has to get. */
  told(message: Notification): void;
  /** A request of the client that was answered with a result. */
  succeeded(request: Request): void;
  /** The server threw at a message, which one of the SDK never does: it is broken. */
  broke(error: unknown): void;
  /** Whether a GET stream of the session is open here. */
  isListening(): boolean;
  /** Sends a message on the session's GET stream when another process holds that stream; false when none does. */
  sentElsewhere?(message: JSONRPCMessage): Promise<boolean>;
}

/**
 * What a session's server has for a transport: the one that speaks HTTP, and between the two what a session needs to
 * outlive its process. Every question of the server (elicitation, sampling, ping) goes out under an id that names the process that
 * asks. The SDK counts its ids from 0 in each process: without this, an answer to a question of the last process would
 * be taken for the answer to another question of this one.
 */
export class SessionTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage, extra?: MessageExtraInfo) => void;
  /** Called when the client has opened a GET stream and had none. */
  onlistening?: () => void;
  readonly #inner: HttpTransport;
  readonly #tag: ProcessTag;
  readonly #traffic: SessionTraffic;
  readonly #open = new Map<RequestId, Request | undefined>();
  /** What the server has asked and not yet heard of. Made when it asks: most never do. */
  #questions: Set<RequestId> | undefined;
  #isInitialized = false;
  #standalone: Promise<unknown> | undefined;

  constructor(inner: HttpTransport, tag: ProcessTag, traffic: SessionTraffic) {
    this.#inner = inner;
    this.#tag = tag;
    this.#traffic = traffic;
    inner.onmessage = (message, extra) => this.#receive(message, extra);
    inner.onerror = (error) => this.onerror?.(error);
  }

  /**
   * Notes that requests of these ids are coming, which then count as under way.
   * @returns false when one of them is under way, or comes twice: the answer to one would be lost
   */
  expect(ids: readonly RequestId[]): boolean {
    if (new Set(ids).size < ids.length || ids.some((id) => this.#open.has(id))) return false;
    for (const id of ids) this.#open.set(id, undefined);
    return true;
  }

  /** They did not come after all. */
  unexpect(ids: readonly RequestId[]): void {
    for (const id of ids) this.#open.delete(id);
  }

  get sessionId(): string {
    return this.#inner.sessionId ?? '';
  }

  /** Whether the client waits for the server, or the server for the client. */
  get isAwaiting(): boolean {
    return this.#open.size > 0 || (this.#questions?.size ?? 0) > 0;
  }

  /** Whether the client has a GET stream open, on which it hears what no request of its own brings. */
  get isListening(): boolean {
    return this.#traffic.isListening();
  }

  async start(): Promise<void> {
    await this.#inner.start();
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if (isResponse(message)) {
      this.#answered(message.id ?? undefined, 'result' in message);
      return this.#inner.send(message);
    }
    this.#askedByServer(message);
    const tagged = withTaggedIds(message, this.#tag);
    const relatedRequestId = options?.relatedRequestId;
    return relatedRequestId === undefined
      ? this.#sendStandalone(tagged)
      : this.#inner.send(tagged, { relatedRequestId });
  }

  /** Takes the session for initialized. @returns whether the HTTP side can do so without hearing it */
  restore(): boolean {
    if (!this.#inner.restore) return false;
    this.#inner.restore();
    this.#isInitialized = true;
    return true;
  }

  /** Hands the server a message that came to another process. */
  deliver(message: JSONRPCMessage): void {
    const own = askerOf(message, this.#tag);
    if (own.kind === 'ours') this.#hand(own.message);
  }

  /** Says that a request will be answered by a stream. */
  expectStream(id: RequestId): void {
    this.#inner.expectStream?.(id);
  }

  /** Ends the stream of a request; its client may come back for the rest when streams are resumable. */
  closeSSEStream(id: RequestId): void {
    this.#inner.closeSSEStream(id);
  }

  closeStandaloneSSEStream(): void {
    this.#inner.closeStandaloneSSEStream();
  }

  /** Sends on the GET stream, wherever that is. The order of such messages is kept. */
  #sendStandalone(message: JSONRPCMessage): Promise<void> {
    const { sentElsewhere } = this.#traffic;
    if (!sentElsewhere) return this.#inner.send(message);
    const sent = Promise.resolve(this.#standalone).then(async () => {
      if (!(await sentElsewhere(message))) await this.#inner.send(message);
    });
    this.#standalone = sent.catch(() => {});
    return sent;
  }

  #receive(message: JSONRPCMessage, extra?: MessageExtraInfo): void {
    const own = askerOf(message, this.#tag);
    if (own.kind === 'foreign') this.#traffic.foreign(own.tag, message);
    if (own.kind !== 'ours') return;
    if (isRequest(message)) this.#asked(message);
    if (isNotification(message)) this.#heard(message);
    this.#hand(own.message, extra);
  }

  #askedByServer(message: JSONRPCMessage): void {
    if (isRequest(message)) {
      this.#questions ??= new Set();
      this.#questions.add(message.id);
    } else if (isNotification(message) && message.method === 'notifications/cancelled') {
      this.#questions?.delete(cancelledId(message) as RequestId);
    }
  }

  #hand(message: JSONRPCMessage, extra?: MessageExtraInfo): void {
    if (isResponse(message)) this.#questions?.delete(message.id as RequestId);
    if (isNotification(message) && message.method === 'notifications/initialized') {
      // Said once: it may come to another process as well, or have been said for the client already.
      if (this.#isInitialized) return;
      this.#isInitialized = true;
    } else if (isRequest(message) && !['initialize', 'ping'].includes(message.method)) {
      this.#initialize(extra);
    }
    this.#give(message, extra);
  }

  #give(message: JSONRPCMessage, extra?: MessageExtraInfo): void {
    try {
      this.onmessage?.(message, extra);
    } catch (error) {
      this.#traffic.broke(error);
    }
  }

  /** A client that asks has been initialized, also when its word for that went to another process. */
  #initialize(extra?: MessageExtraInfo): void {
    if (this.#isInitialized) return;
    this.#isInitialized = true;
    this.#give({ jsonrpc: '2.0', method: 'notifications/initialized' }, extra);
  }

  #heard(message: Notification): void {
    // What is cancelled gets no answer, by which it would be forgotten.
    if (message.method === 'notifications/cancelled') this.#open.delete(cancelledId(message) as RequestId);
    this.#traffic.told(message);
  }

  #asked(request: Request): void {
    this.#inner.asked?.(request.id);
    this.#open.set(request.id, isSetting(request.method) ? request : undefined);
  }

  #answered(id: RequestId | undefined, withResult: boolean): void {
    if (id === undefined) return;
    const setting = this.#open.get(id);
    this.#open.delete(id);
    if (setting && withResult) this.#traffic.succeeded(setting);
  }
}
