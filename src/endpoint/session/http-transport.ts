import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { Clock } from '../../base/environment.ts';
import type { HttpAnswer, HttpRequest } from '../http.ts';
import type { EventLog } from '../streams/event-log.ts';

/** What a request brings along for {@link HttpTransport.answer}. */
export interface HandedRequest {
  readonly authInfo?: AuthInfo;
  /** The JSON of the body, when it was read already. */
  readonly parsedBody?: unknown;
}

/**
 * The HTTP side of one session. A server that is written with the SDK has the SDK's transport (server/sdk/); a relay, which
 * looks at less of what goes through it, has the endpoint's own (streamable-http.ts).
 */
export interface HttpTransport extends Transport {
  /** Answers one request of the session. The manager has found the session by its id before. */
  answer(request: HttpRequest, handed?: HandedRequest): Promise<HttpAnswer>;
  /**
   * Takes the session for one that its client has initialized already. Where there is no such method, the client's
   * handshake is said again (adoption.ts), which the SDK's transport and server have to hear.
   */
  restore?(): void;
  /** Told of each request of the client before the server has it, where that is of use. */
  asked?(id: RequestId): void;
  /** Told that a request will be answered by a stream, where that is of use. */
  expectStream?(id: RequestId): void;
  /** Ends the stream on which a request is answered; what is answered later waits for a client that comes back. */
  closeSSEStream(id: RequestId): void;
  /** Ends the client's GET stream, if it has one. */
  closeStandaloneSSEStream(): void;
}

export interface HttpTransportParts {
  readonly sessionId: string;
  readonly clock: Clock;
  /** Keeps what is sent, for a client that comes back for it; undefined when streams are not resumable. */
  readonly log: EventLog | undefined;
  /** Something that was never there before. */
  readonly newNonce: () => string;
  readonly maxBodyBytes: number;
  readonly jsonResponses: boolean;
  /** Called before a session that its client has ended is closed. */
  readonly onDeleted: () => void;
}

export type NewHttpTransport = (parts: HttpTransportParts) => HttpTransport;
