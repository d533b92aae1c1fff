import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import {
  isErrorResponse,
  isRequest,
  isResponse,
  type Notification,
  progressTokenOf,
  type Request,
  type Response,
} from '../protocol/message.ts';
import { failureAnswer } from './failure.ts';
import { Introduction } from './introduction.ts';
import { Questions } from './questions.ts';

/** What the SDK's server transport can do beyond the `Transport` interface. */
interface StreamCloser {
  closeSSEStream?(requestId: RequestId): void;
}

/** A request of the client that has no answer yet. */
interface Call {
  readonly request: Request;
  readonly settled: Promise<void>;
}

/**
 * Pumps messages between one session of the gateway (downstream) and one connection to a server (upstream), as they
 * are. A request that the connection cannot get answered is answered here, with the connection's own words: the
 * client's session outlives every trouble of the server's.
 *
 * It takes the place of an SDK `Server` in the companion's session manager: `initialize` is the server's to answer.
 */
export class Relay {
  readonly #upstream: Transport;
  readonly #questions = new Questions();
  /** In the order in which they came. */
  readonly #calls = new Map<RequestId, Call>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #introduction: Introduction;
  #downstream: Transport | undefined;
  #upstreamEnds: Promise<void> | undefined;

  /** @param upstream not started yet */
  constructor(upstream: Transport) {
    this.#upstream = upstream;
    this.#introduction = new Introduction((message) => upstream.send(message as JSONRPCMessage));
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
    upstream.onmessage = (message) => this.#fromServer(message);
    await upstream.start();
    await downstream.start();
  }

  /** Ends the connection, answers what is still open with `CONNECTION_CLOSED`, and ends the session. */
  async close(): Promise<void> {
    await this.#endUpstream();
    await Promise.all([...this.#calls.values()].map(({ settled }) => settled));
    await this.#downstream?.close();
  }

  #endUpstream(): Promise<void> {
    this.#upstreamEnds ??= this.#upstream.close().finally(this.#ended.resolve);
    return this.#upstreamEnds;
  }

  #fromClient(message: JSONRPCMessage): void {
    if (isRequest(message)) {
      this.#calls.set(message.id, { request: message, settled: this.#call(message) });
    } else if (isResponse(message)) {
      const answer = this.#questions.answer(message);
      if (answer) void this.#tell(answer);
    } else if (message.method === 'notifications/initialized') {
      this.#introduction.begin(message);
    } else {
      void this.#tell(message);
    }
  }

  #fromServer(message: JSONRPCMessage): void {
    if (isResponse(message)) void this.#answer(message);
    else if (isRequest(message)) void this.#toClient(this.#questions.ask(message));
    else void this.#toClient(this.#questions.withdraw(message as Notification));
  }

  async #call(request: Request): Promise<void> {
    const { id } = request;
    try {
      await this.#introduction.done();
      await this.#upstream.send(request as JSONRPCMessage);
      // Answered by now, unless the client has cancelled it.
      if (this.#calls.get(id)?.request === request) await this.#drop(id);
    } catch (error) {
      await this.#answer(failureAnswer(id, error));
    }
  }

  /** A notification, or the answer to a question. */
  async #tell(message: Notification | Response): Promise<void> {
    try {
      await this.#introduction.done();
      await this.#upstream.send(message as JSONRPCMessage);
    } catch {
      // There is no way to say so: the client was told "accepted" before it was tried.
    }
  }

  async #answer(response: Response): Promise<void> {
    const id = response.id as RequestId;
    const call = this.#calls.get(id);
    this.#calls.delete(id);
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
    const streams = this.#downstream as StreamCloser | undefined;
    if (!streams?.closeSSEStream) return;
    streams.closeSSEStream(id);
    await this.#toClient({ jsonrpc: '2.0', id, error: { code: 0, message: 'cancelled' } });
  }

  async #toClient(message: Request | Notification | Response): Promise<void> {
    const relatedRequestId = isResponse(message) ? undefined : this.#relatedTo(message);
    const options = relatedRequestId === undefined ? {} : { relatedRequestId };
    // The client may have gone in between: then there is nobody left to tell.
    await this.#downstream?.send(message as JSONRPCMessage, options).catch(() => {});
  }

  /**
   * On the stream of which request a message goes to the client. Progress goes with the request that asked for it.
   * Anything else goes with the newest open request, whose stream is there for certain, and only without one to the
   * GET stream, which a client need not have opened.
   */
  #relatedTo(message: Request | Notification): RequestId | undefined {
    const open = [...this.#calls.values()].map(({ request }) => request);
    const token = message.method === 'notifications/progress' ? message.params?.progressToken : undefined;
    const asker = open.find((request) => token !== undefined && progressTokenOf(request) === token);
    return (asker ?? open.at(-1))?.id;
  }
}
