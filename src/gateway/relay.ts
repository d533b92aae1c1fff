import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { describeError, isResilientMcpError } from '../protocol/errors.ts';
import { isRequest, isResponse, progressTokenOf, type Request } from '../protocol/message.ts';

/** JSON-RPC's range for errors of an implementation; the code that means something is in `data.code`. */
const UPSTREAM_FAILED = -32000;

/**
 * Pumps messages between one client of the gateway (downstream) and one connection to a server (upstream), untouched.
 * A request that the connection cannot answer is answered here, with the connection's own words; the client's session
 * outlives every trouble of the server's.
 */
export class Relay {
  readonly #upstream: Transport;
  /** Requests of the client that are not answered yet, in the order in which they came. */
  readonly #open = new Map<RequestId, Request>();

  constructor(upstream: Transport) {
    this.#upstream = upstream;
  }

  /** Joins both sides. When one ends, so does the other. Rejects when the upstream cannot be started. */
  async connect(downstream: Transport): Promise<void> {
    const upstream = this.#upstream;
    const tellOwner = downstream.onclose;
    downstream.onclose = () => {
      tellOwner?.();
      void upstream.close();
    };
    downstream.onmessage = (message) => void this.#sendUp(message, downstream);
    upstream.onmessage = (message) => void this.#sendDown(message, downstream);
    upstream.onclose = () => void downstream.close();
    await upstream.start();
    await downstream.start();
  }

  async #sendUp(message: JSONRPCMessage, downstream: Transport): Promise<void> {
    if (isRequest(message)) this.#open.set(message.id, message);
    try {
      await this.#upstream.send(message);
    } catch (error) {
      // A notification or an answer that could not be delivered is lost with the session that it belonged to.
      if (isRequest(message)) await this.#answer(message, error, downstream);
    } finally {
      // The connection resolves a request when its answer was handed over, or when there is none to come.
      if (isRequest(message)) this.#open.delete(message.id);
    }
  }

  async #answer(request: Request, error: unknown, downstream: Transport): Promise<void> {
    const { code, advice } = isResilientMcpError(error) ? error : { code: undefined, advice: undefined };
    const message = advice ? `${describeError(error)} ${advice}` : describeError(error);
    const answer = { code: UPSTREAM_FAILED, message, ...(code && { data: { code } }) };
    await this.#sendDown({ jsonrpc: '2.0', id: request.id, error: answer }, downstream);
    // Without its handshake the session is of no use to anybody.
    if (request.method === 'initialize') await downstream.close();
  }

  async #sendDown(message: JSONRPCMessage, downstream: Transport): Promise<void> {
    const relatedRequestId = this.#relatedRequest(message);
    // The client may have gone in between: then there is nobody left to tell.
    await downstream
      .send(message, relatedRequestId === undefined ? {} : { relatedRequestId })
      .catch(() => {});
  }

  /**
   * On the stream of which request a message goes to the client. Progress goes with the request that asked for it.
   * Anything else goes with the newest open request, whose stream is there for certain, and only without one to the
   * GET stream, which a client need not have opened.
   */
  #relatedRequest(message: JSONRPCMessage): RequestId | undefined {
    if (isResponse(message)) return undefined;
    const open = [...this.#open.values()];
    const token = 'params' in message ? message.params?.progressToken : undefined;
    const asker =
      token === undefined ? undefined : open.find((request) => progressTokenOf(request) === token);
    return (asker ?? open.at(-1))?.id;
  }
}
