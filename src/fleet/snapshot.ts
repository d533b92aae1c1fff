import type { ConnectionSnapshot } from '../session/snapshot.ts';

/** One server as a display sees it. */
export interface ServerSnapshot {
  /** The key in the configuration; unique, and what a person calls the server. */
  readonly name: string;
  /** Without credentials, query or fragment. */
  readonly url: string;
  readonly connection: ConnectionSnapshot;
  /** How many tools the server listed last; undefined before the first list. */
  readonly tools: number | undefined;
}

/** The read model from which every display is drawn. */
export interface FleetSnapshot {
  /** When it was taken, in ms since the epoch. */
  readonly at: number;
  /** In the order of the configuration. */
  readonly servers: readonly ServerSnapshot[];
}
