import {
  type JSONRPCMessage,
  type RequestId,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/sdk/types.js';
import { ResilientMcpError } from '../../protocol/errors.ts';
import {
  cancelledId,
  isRequest,
  isResponse,
  isResultResponse,
  type Notification,
  type Request,
  type Response,
} from '../../protocol/message.ts';
import { peek, withId, withValue } from '../../protocol/text/message-text.ts';
import type { UpstreamConnection } from '../server-definition.ts';
import { type SharedCall, SharedCalls } from './shared-calls.ts';
import { SharedClient, type SharedClientOwner } from './shared-client.ts';
import { HandshakeRefused, SharedLink } from './shared-link.ts';
import { SharedQuestions } from './shared-questions.ts';
import { SharedSettings } from './shared-settings.ts';
import { SharedTasks } from './shared-tasks.ts';

/** Notifications for every client, on any stream. */
const FOR_ALL = /\/list_changed$|^notifications\/resources\/updated$/;

/**
 * One session of a server, for all clients of the gateway. Each client has the same functions as with a
 * separate session, but the server cannot distinguish the clients. Opened for the first client and kept until
 * the gateway ends it.
 */
export class SharedSession implements SharedClientOwner {
  readonly #open: () => Promise<UpstreamConnection>;
  readonly #clients = new Set<SharedClient>();
  readonly #calls = new SharedCalls();
  readonly #settings = new SharedSettings();
  readonly #questions = new SharedQuestions();
  readonly #tasks = new SharedTasks();
  readonly #opened = Promise.withResolvers<void>();
  #link: Promise<SharedLink> | undefined;
  #heard = 0;
  #isClosed = false;

  /** @param open creates a connection to the server, not started */
  constructor(open: () => Promise<UpstreamConnection>) {
    this.#open = open;
  }

  /** Resolves when the session has been opened for the first time. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Creates the connection of one client. */
  client(): SharedClient {
    return new SharedClient(this);
  }

  /** Ends the session; waiting calls get an error. */
  async close(keepSession: boolean): Promise<void> {
    this.#isClosed = true;
    const link = await this.#link?.catch(() => undefined);
    await link?.close(keepSession);
  }

  join(client: SharedClient): void {
    this.#clients.add(client);
  }

  async take(client: SharedClient, message: JSONRPCMessage): Promise<void> {
    this.#heard += 1;
    client.lastActive = this.#heard;
    if (isRequest(message)) return this.#request(client, message);
    if (isResponse(message))
      return this.#questions.answers(client, message) ? this.#tell(message) : undefined;
    return this.#notification(client, message);
  }

  leave(client: SharedClient, keepSession: boolean): void {
    if (!this.#clients.delete(client)) return;
    this.#tasks.forget(client);
    const unwanted = this.#settings.forget(client);
    const unanswered = this.#questions.forget(client);
    const calls = this.#calls.of(client);
    for (const { idInSession } of calls) this.#calls.drop(idInSession);
    // Another connection resumes the session with its state.
    if (keepSession || this.#isClosed) return;
    for (const { idInSession: requestId } of calls) {
      const params = { requestId, reason: 'The client has gone.' };
      void this.#tell({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
    }
    for (const answer of unanswered) void this.#tell(answer);
    for (const { method, params } of unwanted) {
      void this.#tell({ jsonrpc: '2.0', id: this.#calls.newId(), method, params });
    }
  }

  async #request(client: SharedClient, request: Request): Promise<void> {
    if (request.method === 'initialize') return this.#initialize(client, request);
    const link = await this.#ready();
    const wanted = this.#settings.toServer(client, request);
    if (!wanted) return this.#answer(client, request, { jsonrpc: '2.0', id: request.id, result: {} });
    const sent = this.#calls.begin(client, wanted);
    try {
      await link.send(sent as JSONRPCMessage);
    } finally {
      this.#calls.drop(sent.id);
    }
  }

  /** Answers with the server's answer to the session's own `initialize`. */
  async #initialize(client: SharedClient, { id, params }: Request): Promise<void> {
    client.capabilities = (params?.capabilities ?? {}) as SharedClient['capabilities'];
    try {
      const { introduced } = await this.#ready();
      const revision = revisionFor(params?.protocolVersion, introduced.result.protocolVersion);
      client.deliver(
        withValue(withId(introduced, id), ['result', 'protocolVersion'], revision) as JSONRPCMessage,
      );
    } catch (error) {
      if (!(error instanceof HandshakeRefused)) throw error;
      client.deliver(withId(error.answer, id) as JSONRPCMessage);
    }
  }

  async #notification(client: SharedClient, notification: Notification): Promise<void> {
    // Sent once, for all clients.
    if (notification.method === 'notifications/initialized') return;
    if (notification.method !== 'notifications/cancelled') return this.#tell(notification);
    const call = this.#calls.find(client, cancelledId(notification));
    if (call) await this.#tell(withValue(notification, ['params', 'requestId'], call.idInSession));
  }

  /** Sends a message if the server already holds a session. Never rejects. */
  async #tell(message: Request | Notification | Response): Promise<void> {
    try {
      await (await this.#link)?.send(message as JSONRPCMessage);
    } catch {
      // Not awaited by a caller.
    }
  }

  /** The connection with its session. After a failure the next caller tries again. */
  #ready(): Promise<SharedLink> {
    if (this.#isClosed) {
      return Promise.reject(new ResilientMcpError('CONNECTION_CLOSED', 'The connection is closed.'));
    }
    this.#link ??= this.#connect().catch((error: unknown) => {
      this.#link = undefined;
      throw error;
    });
    return this.#link;
  }

  async #connect(): Promise<SharedLink> {
    const fromServer = (message: JSONRPCMessage, streamOf: RequestId | undefined) =>
      this.#fromServer(message, this.#calls.get(streamOf));
    const connection = await this.#open();
    connection.onstream = (id) => {
      const call = this.#calls.get(id);
      call?.client.onstream?.(call.request.id);
    };
    const link = await SharedLink.open(connection, this.#calls.newId(), fromServer);
    this.#opened.resolve();
    return link;
  }

  #fromServer(message: JSONRPCMessage, related: SharedCall | undefined): void {
    if (isResponse(message)) {
      const call = this.#calls.settle(message);
      if (call) this.#answer(call.client, call.request, message);
    } else if (isRequest(message)) {
      this.#question(message, related);
    } else {
      this.#heardFromServer(message as Notification, related);
    }
  }

  #answer(client: SharedClient, request: Request, response: Response): void {
    this.#settings.learn(client, request, response);
    const own = isResultResponse(response) ? this.#tasks.learn(client, request, response) : response;
    client.deliver(withId(own, request.id) as JSONRPCMessage);
  }

  #question(question: Request, related: SharedCall | undefined): void {
    const concerned = related?.client ?? this.#tasks.ownerOf(question);
    const asked = this.#questions.ask(question, concerned ? [concerned] : this.#candidates());
    if (isResponse(asked)) void this.#tell(asked);
    else asked.deliver(question as JSONRPCMessage, related?.request.id);
  }

  /**
   * Candidates for a server request without a call: clients with a call under way first, then all; latest
   * activity first.
   */
  #candidates(): SharedClient[] {
    const isBusy = (client: SharedClient) => (this.#calls.of(client).length > 0 ? 1 : 0);
    return [...this.#clients].sort((a, b) => isBusy(b) - isBusy(a) || b.lastActive - a.lastActive);
  }

  #heardFromServer(notification: Notification, related: SharedCall | undefined): void {
    if (notification.method === 'notifications/progress') {
      const progress = this.#calls.progress(notification);
      progress?.call.client.deliver(progress.notification as JSONRPCMessage, progress.call.request.id);
      return;
    }
    for (const client of this.#audience(notification, related)) {
      const id = client === related?.client ? related.request.id : undefined;
      client.deliver(notification as JSONRPCMessage, id);
    }
  }

  #audience(notification: Notification, related: SharedCall | undefined): readonly SharedClient[] {
    const { method } = notification;
    const all = [...this.#clients];
    if (method === 'notifications/cancelled') return this.#questions.withdrawn(cancelledId(notification));
    if (method === 'notifications/resources/updated')
      return this.#settings.subscribers(peek(notification, ['params', 'uri'])) ?? all;
    if (FOR_ALL.test(method)) return all;
    const concerned = related?.client ?? this.#tasks.ownerOf(notification);
    const audience = concerned ? [concerned] : all;
    return method === 'notifications/message'
      ? audience.filter((client) => this.#settings.wants(client, peek(notification, ['params', 'level'])))
      : audience;
  }
}

/**
 * The protocol version for a client's `initialize`: the requested one if it is older than the negotiated one.
 * The client may not know the newer version, which adds to the older one and removes nothing that a client
 * needs.
 */
function revisionFor(asked: unknown, agreed: unknown): unknown {
  const isKnown = typeof asked === 'string' && SUPPORTED_PROTOCOL_VERSIONS.includes(asked);
  return isKnown && typeof agreed === 'string' && asked < agreed ? asked : agreed;
}
