import type { HubFact } from '../../hub/facts.ts';

/**
 * A recording is a text of JSON Lines: first a {@link RecordingHeader}, then one line for each fact of the journal, oldest
 * first. It tells which methods were called, how each ended and when, and nothing of what was in them.
 */
export const RECORDING_FORMAT = 'resilient-mcp/journal';
/** Raised when a reader of the version before could misread a line; new kinds of facts, and new members, do not. */
export const RECORDING_VERSION = 1;

export interface RecordingHeader {
  readonly format: typeof RECORDING_FORMAT;
  readonly version: typeof RECORDING_VERSION;
  /** The version of the product that wrote it. */
  readonly product: string;
  /** ISO 8601. */
  readonly exportedAt: string;
  readonly servers: readonly RecordedServer[];
}

export interface RecordedServer {
  readonly name: string;
  readonly type: string;
  /** The address without its query, or the program without its arguments. */
  readonly target: string;
}

/** One line after the header. */
export interface RecordedFact extends Omit<HubFact, 'at' | 'fact'> {
  /** ISO 8601, with milliseconds. */
  readonly at: string;
  readonly fact: { readonly kind: string; readonly generation: number } & Readonly<Record<string, unknown>>;
}
