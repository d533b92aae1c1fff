import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { LATEST_PROTOCOL_VERSION } from '@modelcontextprotocol/sdk/types.js';
import { product } from '../../base/product.ts';
import { ResilientMcpError } from '../../protocol/errors.ts';
import {
  type ErrorResponse,
  isErrorResponse,
  isResponse,
  type Request,
  type Response,
  type ResultResponse,
} from '../../protocol/message.ts';
import { InitializedDelivery } from '../clients/initialized-delivery.ts';
import type { UpstreamConnection } from '../server-definition.ts';

/**
 * Capabilities declared to the server of a shared session: everything that a client can be asked for. The
 * client is chosen at each request of the server.
 */
const CAPABILITIES = { roots: { listChanged: true }, sampling: {}, elicitation: {} };

/** The server refused the handshake. Each client gets the server's own message. */
export class HandshakeRefused extends Error {
  override readonly name = 'HandshakeRefused';
  readonly answer: ErrorResponse;

  constructor(answer: ErrorResponse) {
    super(`The server refused initialize: ${answer.error.message}`);
    this.answer = answer;
  }
}

/** The connection of a shared session, from its handshake on. */
export class SharedLink {
  /** The server's answer to `initialize`. */
  readonly introduced: ResultResponse;
  readonly #connection: UpstreamConnection;
  readonly #initialized: InitializedDelivery;

  private constructor(connection: UpstreamConnection, introduced: ResultResponse) {
    this.#connection = connection;
    this.introduced = introduced;
    this.#initialized = new InitializedDelivery((message) => connection.send(message as JSONRPCMessage));
    this.#initialized.begin({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  /**
   * Opens the session. Closes the connection on failure.
   * @param onMessage receives the server's messages from then on
   * @throws HandshakeRefused, or ResilientMcpError when the server is unreachable
   */
  static async open(
    connection: UpstreamConnection,
    id: RequestId,
    onMessage: (message: JSONRPCMessage, streamOf: RequestId | undefined) => void,
  ): Promise<SharedLink> {
    let answer: Response | undefined;
    connection.onmessage = (message, origin) => {
      if (isResponse(message) && message.id === id) answer = message;
      else onMessage(message, origin?.relatedRequestId);
    };
    try {
      await connection.start();
      await connection.send(initialize(id) as JSONRPCMessage);
      if (isErrorResponse(answer)) throw new HandshakeRefused(answer);
      if (!answer) throw new ResilientMcpError('CONNECTION_CLOSED', 'The connection was closed.');
      return new SharedLink(connection, answer);
    } catch (error) {
      // The session of an earlier gateway may still exist when the server is reachable again.
      await connection.close({ keepSession: true });
      throw error;
    }
  }

  /** Sends a message, after `notifications/initialized` was delivered. */
  async send(message: JSONRPCMessage): Promise<void> {
    await this.#initialized.done();
    await this.#connection.send(message);
  }

  close(keepSession: boolean): Promise<void> {
    return this.#connection.close({ keepSession });
  }
}

function initialize(id: RequestId): Request {
  const params = {
    protocolVersion: LATEST_PROTOCOL_VERSION,
    capabilities: CAPABILITIES,
    clientInfo: product,
  };
  return { jsonrpc: '2.0', id, method: 'initialize', params };
}
