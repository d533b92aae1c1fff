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

/** Callbacks for messages that other processes of the same session must see. */
export interface SessionTraffic {
  /** The response to, or progress of, a request that another process sent. */
  foreign(tag: ProcessTag, message: JSONRPCMessage): void;
  /** A notification of the client, which every server object of the session must receive. */
  told(message: Notification): void;
  /** A request of the client that was answered with a result. */
  succeeded(request: Request): void;
  /** The server threw on a message. The SDK's servers never do: the server is broken. */
  broke(error: unknown): void;
  /** Whether a GET stream of the session is open here. */
  isListening(): boolean;
  /** Sends a message on the session's GET stream at another process; false when no process holds one. */
  sentElsewhere?(message: JSONRPCMessage): Promise<boolean>;
}

/**
 * The transport that a session's server connects to: a layer over the HTTP transport that lets the session
 * outlive its process. Every server request (elicitation, sampling, ping) is sent under an id that names the
 * requesting process. The SDK counts its ids from 0 in each process: without this, a response to a request of
 * the last process would be taken for the response to another request of this one.
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
  /** Ids of server requests without a response yet. Created on demand: most servers never send one. */
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
   * Registers incoming request ids, which then count as under way.
   * @returns false when one is already under way, or occurs twice: one of the two answers would be lost
   */
  expect(ids: readonly RequestId[]): boolean {
    if (new Set(ids).size < ids.length || ids.some((id) => this.#open.has(id))) return false;
    for (const id of ids) this.#open.set(id, undefined);
    return true;
  }

  /** Withdraws ids that did not reach the server. */
  unexpect(ids: readonly RequestId[]): void {
    for (const id of ids) this.#open.delete(id);
  }

  get sessionId(): string {
    return this.#inner.sessionId ?? '';
  }

  /** Whether either side waits for an answer of the other. */
  get isAwaiting(): boolean {
    return this.#open.size > 0 || (this.#questions?.size ?? 0) > 0;
  }

  /** Whether the client has a GET stream open, for messages that belong to no request of its own. */
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

  /**
   * Marks the session as initialized.
   * @returns whether the HTTP transport can do so without a handshake
   */
  restore(): boolean {
    if (!this.#inner.restore) return false;
    this.#inner.restore();
    this.#isInitialized = true;
    return true;
  }

  /** Delivers a message that arrived at another process. */
  deliver(message: JSONRPCMessage): void {
    const own = askerOf(message, this.#tag);
    if (own.kind === 'ours') this.#hand(own.message);
  }

  /** Announces that a request will be answered by a stream. */
  expectStream(id: RequestId): void {
    this.#inner.expectStream?.(id);
  }

  /** Ends the stream of a request. The client may resume it when streams are resumable. */
  closeSSEStream(id: RequestId): void {
    this.#inner.closeSSEStream(id);
  }

  closeStandaloneSSEStream(): void {
    this.#inner.closeStandaloneSSEStream();
  }

  /** Sends on the GET stream, at whichever process holds it. The order of messages is kept. */
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
      // Delivered once: it may also arrive at another process, or have been replayed already.
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

  /**
   * A client that sends a request is initialized, even when its `initialized` notification went to another
   * process.
   */
  #initialize(extra?: MessageExtraInfo): void {
    if (this.#isInitialized) return;
    this.#isInitialized = true;
    this.#give({ jsonrpc: '2.0', method: 'notifications/initialized' }, extra);
  }

  #heard(message: Notification): void {
    // A cancelled request gets no response, which would otherwise remove its id.
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
