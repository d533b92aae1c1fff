import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { Clock } from '../../base/environment.ts';
import type { HttpAnswer, HttpRequest } from '../http.ts';
import type { EventLog } from '../streams/event-log.ts';

/** Context of a request for {@link HttpTransport.answer}. */
export interface HandedRequest {
  readonly authInfo?: AuthInfo;
  /** The parsed body, if it was read already. */
  readonly parsedBody?: unknown;
}

/**
 * The HTTP side of one session. A server written with the SDK uses the SDK's transport (server/sdk/). A
 * relay, which inspects less of its traffic, uses the endpoint's own (streamable-http.ts).
 */
export interface HttpTransport extends Transport {
  /** Answers one request of the session. The manager has found the session by its id before. */
  answer(request: HttpRequest, handed?: HandedRequest): Promise<HttpAnswer>;
  /**
   * Marks the session as initialized. Without this method the client's handshake is replayed (adoption.ts),
   * which the SDK's transport and server need.
   */
  restore?(): void;
  /** Called for each client request before the server receives it. Optional. */
  asked?(id: RequestId): void;
  /** Called when a request will be answered by a stream. Optional. */
  expectStream?(id: RequestId): void;
  /** Ends the stream of a request; later answers are kept for a client that resumes it. */
  closeSSEStream(id: RequestId): void;
  /** Ends the client's GET stream, if it has one. */
  closeStandaloneSSEStream(): void;
}

export interface HttpTransportParts {
  readonly sessionId: string;
  readonly clock: Clock;
  /** Log of sent messages, for a client that resumes; undefined when streams are not resumable. */
  readonly log: EventLog | undefined;
  /** Generates a unique value. */
  readonly newNonce: () => string;
  readonly maxBodyBytes: number;
  readonly jsonResponses: boolean;
  /** Called before a session that its client has ended is closed. */
  readonly onDeleted: () => void;
}

export type NewHttpTransport = (parts: HttpTransportParts) => HttpTransport;
