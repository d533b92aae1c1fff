import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { Journal, Subscription } from './journal.ts';
import type { ConnectionSnapshot } from './snapshot.ts';

/** A transport of the SDK's kind whose connection outlives its sessions, and what can be seen and done of that. */
export interface HealingTransport extends Transport {
  /** The facts of the connection, oldest first, and a subscription to later ones. */
  readonly journal: Journal;
  /** What a display may know, at this moment. */
  snapshot(): ConnectionSnapshot;
  /** Calls `listener` after every change of state. */
  onDidChange(listener: (snapshot: ConnectionSnapshot) => void): Subscription;
  /**
   * Replaces the session now. Requests under way are still answered.
   * @throws ResilientMcpError `SERVER_UNAVAILABLE` and its like when no new session could be had; attempts go on
   */
  resetSession(): Promise<ConnectionSnapshot>;
}
