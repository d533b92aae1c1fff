import type { ConnectionSnapshot } from '../session/snapshot.ts';
import type { ServerType } from './server-entry.ts';

/** One server as a display sees it. */
export interface ServerSnapshot {
  /** The key in the configuration; unique, and what a person calls the server. */
  readonly name: string;
  readonly type: ServerType;
  /** What it is reached by: the address without query and fragment, or the program or module without arguments. */
  readonly target: string;
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
