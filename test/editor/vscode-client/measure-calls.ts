import type { ServerKey } from './rows.ts';

/** What a server can be told to do to its client. */
export type FaultName =
  | 'forget-404'
  | 'forget-400'
  | '404-for-a-second'
  | 'one-503'
  | 'one-503-after-run'
  | 'one-400'
  | 'one-400-after-run'
  | 'end-stream-and-forget'
  | 'hold-call'
  | 'restart'
  | 'go-away'
  | 'come-back';

/** What the server saw of one call, known by the argument `key`. */
export interface CallTally {
  readonly key: string;
  readonly sent: number;
  readonly ran: number;
}

/** What the server saw since `begin`. */
export interface Tally {
  readonly initializes: number;
  /** The methods of the requests that came before their session's `notifications/initialized`. */
  readonly early: readonly string[];
  readonly calls: readonly CallTally[];
}

/** What one client did in one row: sentences in the order of time, and what the server saw. */
export interface Measurement extends ServerKey {
  readonly facts: readonly string[];
  readonly wire: Tally;
}

/** The editor that was measured in, in its own words. */
export interface EditorFacts {
  readonly version: string;
  readonly appName: string;
  readonly node: string;
}

/** What the suite in the extension host may ask of the run around it. Times are in ms; null: not within the time. */
export interface MeasureCalls {
  print: { ask: { line: string }; answer: null };
  /** Waits until the client holds a session and its GET stream is open. */
  connected: { ask: ServerKey; answer: null };
  /** Counts begin here. */
  begin: { ask: ServerKey; answer: null };
  spoil: { ask: ServerKey & { fault: FaultName }; answer: null };
  /** Waits until a fault that lasts for a time is over. */
  faultOver: { ask: ServerKey; answer: null };
  /** Waits until a call has run and is held before its answer. */
  callHeld: { ask: ServerKey; answer: null };
  /** How long it takes until an initialize has come since `begin`. */
  sessionAgain: { ask: ServerKey & { withinMs: number }; answer: number | null };
  /** How long it takes until a GET stream has been opened since `begin`. */
  streamAgain: { ask: ServerKey & { withinMs: number }; answer: number | null };
  /** Tells that the list of tools changed: how many streams took it, and whether the list was asked for then. */
  notify: { ask: ServerKey & { withinMs: number }; answer: { reached: number; listed: boolean } };
  tally: { ask: ServerKey & { keys: readonly string[] }; answer: Tally };
  editor: { ask: EditorFacts; answer: null };
  measured: { ask: Measurement; answer: null };
  failed: { ask: ServerKey & { why: string }; answer: null };
}

/** The variable by which the suite learns of the run. */
export const MEASURE_VARIABLE = 'RESILIENT_MCP_MEASURE';
