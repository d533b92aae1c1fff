import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, MessageExtraInfo, RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { Fault, FaultKind } from './fault.ts';
import type { JournalReader, Subscription } from './observe/journal.ts';
import type { ConnectionSnapshot } from './observe/snapshot.ts';

/** What a connection says of a message of the server, beside what the SDK's transports do. */
export interface MessageOrigin extends MessageExtraInfo {
  /**
   * The client's request on whose stream the message came: a question of the server, progress or a log line that is
   * about that request. Undefined for the server's own stream, and where there are no streams.
   */
  readonly relatedRequestId?: RequestId;
}

/** A transport of the SDK's kind whose connection outlives its sessions, and what can be seen and done of that. */
export interface HealingTransport extends Transport {
  onmessage?: <T extends JSONRPCMessage>(message: T, origin?: MessageOrigin) => void;
  /**
   * Called when the server begins an event stream as the answer to this request, before anything is said on it. Not
   * called where an answer comes as JSON, and where there are no streams.
   */
  onstream?: (requestId: RequestId) => void;
  /** The facts of the connection, oldest first, and a subscription to later ones. */
  readonly journal: JournalReader;
  /** What a display may know, at this moment. */
  snapshot(): ConnectionSnapshot;
  /** Calls `listener` after every change of state. */
  onDidChange(listener: (snapshot: ConnectionSnapshot) => void): Subscription;
  /**
   * Replaces the session now. Requests under way are still answered.
   * @throws ResilientMcpError `SERVER_UNAVAILABLE` and its like when no new session could be had; attempts go on
   */
  resetSession(): Promise<ConnectionSnapshot>;
  /**
   * Ends the session, and sends and tries nothing before {@link resume}. Requests under way are still answered, those
   * that wait and later ones fail with `CONNECTION_PAUSED`.
   */
  pause(): void;
  /** Opens a new session, and puts back what the last one held. Without effect on one that is not paused. */
  resume(): void;
  /** The faults that {@link simulate} can bring about on the session of the moment; none without one. */
  readonly faults: readonly FaultKind[];
  /**
   * Lets something go wrong where such things come from, to see what the connection makes of it.
   * @throws ResilientMcpError `INVALID_STATE` for a fault that is not among {@link faults}
   */
  simulate(fault: Fault): void;
  /** Asks the server by one ping whether the session is alive, if it is not in doubt already. Never rejects. */
  check(): Promise<void>;
}
