import type { Knock } from '../../base/environment.ts';
import type { ConnectionAge } from '../../base/http-client.ts';
import type { ResilientMcpError } from '../../protocol/errors.ts';
import type {
  ErrorResponse,
  JSONRPCMessage,
  Notification,
  Request,
  RequestId,
  Response,
  ResultResponse,
} from '../../protocol/message.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { ScannedMessage } from '../../protocol/text/envelope-scan.ts';

/**
 * A wire is one generation's way to the server. It carries messages and tells how each ended; it never retries and
 * never decides. Recovery, replay and the journal are written once, above it.
 */
export interface Wire {
  /** Sends a request and waits for its answer. Never rejects: every ending is an {@link Outcome}. */
  request(request: Request, options: RequestOptions): Promise<Outcome>;
  /** Takes up the stream of a request that broke after an event id was given on it. */
  resumeStream(request: Request, lastEventId: string, options: RequestOptions): Promise<Outcome>;
  /** Sends a notification, or the answer to a request of the server. */
  notify(message: Notification | Response, signal?: AbortSignal): Promise<Outcome>;
  /** Reads the server's own stream until it ends. */
  listen(options: ListenOptions): Promise<ListenOutcome>;
  /** The same way under another session id: to see whether the server looks at ids. Where there are none it is missing. */
  underId?(sessionId: string): Wire;
  /** Tells the server that the session is no longer needed. */
  end(signal: AbortSignal): Promise<TerminationResult>;
  /** Breaks everything under way at once. */
  abort(): void;
}

export interface RequestOptions {
  readonly signal: AbortSignal;
  /** Aborts `signal`, if whoever asks lets the wire do so: cheaper than a signal of both, of which there is one a call. */
  readonly abort?: () => void;
  /** How old a connection it may go out on, where there are several. Default `recent`. */
  readonly connection?: ConnectionAge;
  /** It is about to go out, on a connection that was used before or on a new one. Wires of one connection do not tell. */
  readonly onConnection?: (isUsed: boolean) => void;
  /** An event id arrived on the answer's stream: from here on it can be resumed. */
  readonly onEventId?: (id: string) => void;
  /** Something of the answer arrived: its head, or a chunk of its body. */
  readonly onHeard?: () => void;
  /** The server answers with an event stream, and not with JSON. */
  readonly onStream?: () => void;
}

export interface ListenOptions {
  readonly signal: AbortSignal;
  readonly lastEventId: string | undefined;
  readonly onOpen: () => void;
  /** Something arrived on the stream. */
  readonly onHeard?: () => void;
  /** It carried a message. */
  readonly onMessage?: () => void;
  readonly onEventId: (id: string) => void;
}

/** How the server's own stream ended. */
export type ListenOutcome =
  | { readonly kind: 'notOffered'; readonly status: number }
  /** It may mean a lost session: a `ping` decides. */
  | { readonly kind: 'unclear'; readonly because: string; readonly status: number }
  | { readonly kind: 'unavailable'; readonly because: string; readonly retryAfterMs?: number | undefined }
  /** The server ended it in good order; `retryMs` is the wait it asked for. */
  | { readonly kind: 'ended'; readonly retryMs: number | undefined }
  /** The connection broke. */
  | { readonly kind: 'broken'; readonly because: string; readonly retryMs: number | undefined }
  /** There is no wire any more: its process has ended, or the stream that was the session has. */
  | { readonly kind: 'gone'; readonly because: string }
  /** `Last-Event-ID` was refused: open it anew without. */
  | { readonly kind: 'resumeRefused'; readonly because: string }
  | { readonly kind: 'aborted' };

/** How the end of a session was taken: deleted, closed with what it lived in, not offered (405), already gone, or not known. */
export type TerminationResult = 'deleted' | 'closed' | 'not offered' | 'already gone' | 'failed';

/** An exchange that ended without its answer. */
export interface ExchangeFailure {
  /** The method of the message; undefined for an answer to the server. */
  readonly method: string | undefined;
  readonly tool: string | undefined;
  /** Whether it was to take up the stream of an earlier one. */
  readonly resuming: boolean;
  /** As in {@link Outcome}; `refused`: for a reason of its own. */
  readonly outcome: 'lost' | 'unclear' | 'unavailable' | 'broken' | 'refused';
  /** The HTTP status; undefined when no head of an answer came. */
  readonly status: number | undefined;
  /** In words for a person. */
  readonly reason: string;
  /** Whether the server had given an event id, by which the rest can be had. */
  readonly resumable: boolean;
  readonly durationMs: number;
}

/** What a wire hands up besides outcomes: everything the server says of its own accord. */
export interface WireEvents {
  /** @param streamOf the id, on the wire, of the request on whose stream it came; undefined for the server's own stream */
  readonly onMessage: (message: JSONRPCMessage, streamOf?: RequestId) => void;
  /** A message was too long, or nested too deep, to be taken: what answers nobody by an exchange of its own comes here. */
  readonly onTooLong: (message: ScannedMessage, error: ResilientMcpError) => void;
  /** An exchange has failed; its outcome follows. Wires that know of no exchanges tell of none. */
  readonly onFailure: (failure: ExchangeFailure) => void;
  /** Something unexpected that ends nothing, such as an event that is no JSON-RPC message. */
  readonly onWarning: (error: ResilientMcpError) => void;
  /** A line that a local server wrote beside the protocol. */
  readonly onOutput: (line: string) => void;
}

/** What initialize agreed on. */
export interface NegotiatedSession {
  readonly sessionId: string | undefined;
  readonly protocolVersion: string;
  /** The session is the wire itself: a process, a stream. It has no id, and is no stateless one for that. */
  readonly isWire?: true;
}

/** Makes wires. One maker serves a connection for its whole life; each session gets a wire of its own. */
export interface WireConnector {
  /** Scheme, host and port of the server, where it has any: other connections may show that it lives. */
  readonly origin?: string | undefined;
  /** Whether somebody listens there, where asking costs next to nothing: at an address of this machine. */
  readonly knock?: Knock | undefined;
  /**
   * Sends `initialize` with no session id and no version header (protocol.md, D.2), and yields the wire for the
   * session that it opened.
   */
  open(initialize: Request, events: WireEvents, signal: AbortSignal): Promise<OpenOutcome>;
  /** Ends what is left of its wires, where that takes time: politely, and when `signal` aborts at once. */
  close?(signal: AbortSignal): Promise<void>;
}

export type OpenOutcome =
  | {
      readonly kind: 'opened';
      readonly wire: Wire;
      readonly response: ResultResponse;
      readonly negotiated: NegotiatedSession;
    }
  /** The server answered initialize with a JSON-RPC error. */
  | { readonly kind: 'refused'; readonly response: ErrorResponse }
  | Exclude<Outcome, { kind: 'answered' } | { kind: 'accepted' }>;
