import type { Fact } from '../client/observe/journal.ts';

/** What only the owner of a connection knows of it. */
export type UpstreamFact =
  | { kind: 'toolsListed'; generation: number; tools: number }
  | { kind: 'toolsNotListed'; generation: number; reason: string }
  /** The server answered `initialize` with something the client can't work with, such as an unknown revision. */
  | { kind: 'handshakeRefused'; generation: number; reason: string; waitMs: number };

/** A fact of a connection's journal, or of its owner, with the server it is about. */
export interface FleetFact {
  readonly server: string;
  /** The number of the client whose connection it is, see `ClientSnapshot`; undefined for the fleet's own. */
  readonly client?: number;
  /** In ms since the epoch. */
  readonly at: number;
  readonly fact: Fact | UpstreamFact;
}
