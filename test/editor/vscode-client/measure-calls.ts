import type { ServerKey } from './rows.ts';

/** What a server can be told to do to its client. */
export type FaultName =
  | 'forget-404'
  | 'forget-400'
  | 'forget-500'
  | 'forget-200'
  | '404-for-a-second'
  | 'one-503'
  | 'one-503-after-run'
  | 'one-400'
  | 'one-400-after-run'
  | 'end-stream-and-forget'
  | 'cut-answer'
  | 'hold-call'
  | 'restart'
  | 'go-away'
  | 'come-back'
  | 'freeze'
  | 'thaw';

/** What a client asks a server for. */
export type RequestKind = 'call' | 'resource' | 'prompt';

/** One request of a client. The key names it in the report and, but for prompts, at the server. */
export interface RequestKey {
  readonly kind: RequestKind;
  readonly key: string;
}

/** What the server saw of one request. */
export interface RequestTally extends RequestKey {
  readonly sent: number;
  /** How often the tool of a call ran; what only reads has no count. */
  readonly ran: number | null;
}

/** What the server saw since `begin`. */
export interface Tally {
  readonly initializes: number;
  /** The methods of the requests that came before their session's `notifications/initialized`. */
  readonly early: readonly string[];
  /** Requests of sessions without the version header that 2025-06-18 and later ask for, and all of them. */
  readonly unversioned: readonly [without: number, all: number];
  readonly requests: readonly RequestTally[];
}

/** What happened, in the order of time. */
export interface Fact {
  /** For a person. */
  readonly words: string;
  /** How the request of this key ended. */
  readonly ended?: { readonly key: string; readonly how: 'answered' | 'failed' | 'pending' };
  /** Whether a notification of the server had the effect that it has while all is well. */
  readonly notified?: boolean;
}

/** What one client did in one row, and what the server saw. */
export interface Measurement extends ServerKey {
  readonly facts: readonly Fact[];
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
  /** Where the server is. */
  url: { ask: ServerKey; answer: string };
  /** Waits until the client holds a session, its GET stream is open, and it has listed the tools. */
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
  tally: { ask: ServerKey & { keys: readonly RequestKey[] }; answer: Tally };
  editor: { ask: EditorFacts; answer: null };
  measured: { ask: Measurement; answer: null };
  failed: { ask: ServerKey & { why: string }; answer: null };
}

/** The variable by which the suite learns of the run. */
export const MEASURE_VARIABLE = 'RESILIENT_MCP_MEASURE';
