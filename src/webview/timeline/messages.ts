/**
 * What the extension tells the page of the timeline. Plain data; everything foreign in it is plain text already. Data
 * flows this way only: the page answers nothing but that it is there.
 */

/** What a mark is drawn as and filtered by. */
export const MARK_KINDS = ['call', 'replay', 'recovery', 'fault', 'session', 'note'] as const;

export type MarkKind = (typeof MARK_KINDS)[number];

/** One fact. */
export interface Mark {
  /** Running number over all lanes. */
  readonly seq: number;
  readonly lane: number;
  /** In ms since the epoch: when it was recorded, which for something that took time is its end. */
  readonly at: number;
  readonly kind: MarkKind;
  /** The session it is about; 0 before the first. */
  readonly generation: number;
  /** How long it took, in ms; only for calls and recoveries. */
  readonly durationMs?: number;
  /** What happened, in words. */
  readonly text: string;
}

/** One connection to a server: the extension's own, or that of a client. */
export interface Lane {
  readonly id: number;
  /** The name of the server, as a person wrote it. */
  readonly server: string;
  /** The number of the client; undefined for the extension's own. */
  readonly client?: number;
  /** What tells the lane from the others, such as `github` or `github, client 2`. */
  readonly title: string;
}

/** What a connection is in from a moment on. `ended`: it is closed, and nothing is known until the next phase. */
export type PhaseKind = 'connecting' | 'session' | 'unreachable' | 'recovering' | 'down' | 'ended';

/** It lasts until the next phase of its lane begins. */
export interface Phase {
  readonly lane: number;
  readonly from: number;
  readonly kind: PhaseKind;
  readonly generation: number;
}

/** New data. Lanes, phases and marks are only ever added; marks come in the order of their numbers. */
export interface Increment {
  /** The extension's clock, in ms since the epoch: the page may run on a machine with another one. */
  readonly now: number;
  readonly lanes: readonly Lane[];
  readonly phases: readonly Phase[];
  readonly marks: readonly Mark[];
}

/** The server or the fact to show. */
export interface Focus {
  readonly server?: string;
  readonly seq?: number;
}

export type ToPage =
  /** All data: the first message, and again after each reload of the page. */
  | ({
      readonly type: 'show';
      readonly language: string;
      readonly strings: Strings;
      /** How many marks of calls, and how many others, the page keeps; the oldest go first. */
      readonly limits: { readonly calls: number; readonly others: number };
    } & Increment)
  | ({ readonly type: 'add' } & Increment)
  | ({ readonly type: 'focus' } & Focus);

export interface FromPage {
  readonly type: 'ready';
}

/** Every word of the page, in the user's language. `{0}`, `{1}` are put in by the page. */
export interface Strings {
  readonly title: string;
  readonly toolbar: string;
  readonly view: string;
  readonly chart: string;
  readonly table: string;
  readonly server: string;
  readonly allServers: string;
  readonly filter: string;
  readonly filterHint: string;
  readonly show: string;
  readonly zoomIn: string;
  readonly zoomOut: string;
  readonly fit: string;
  readonly fitHint: string;
  readonly live: string;
  readonly liveHint: string;
  /** Of many marks. */
  readonly kinds: Readonly<Record<MarkKind, string>>;
  /** Of one mark. */
  readonly kind: Readonly<Record<MarkKind, string>>;
  readonly phases: Readonly<Record<PhaseKind, string>>;
  /** `{0}`: the generation. */
  readonly generation: string;
  readonly chartLabel: string;
  readonly chartHelp: string;
  readonly noFacts: string;
  readonly noMatch: string;
  readonly latency: string;
  readonly distribution: string;
  readonly latencyLabel: string;
  readonly distributionLabel: string;
  readonly aside: string;
  readonly legend: string;
  readonly calls: string;
  readonly median: string;
  readonly slowest: string;
  readonly noCalls: string;
  readonly moment: string;
  readonly momentHint: string;
  readonly clear: string;
  /** `{0}`: how many more. */
  readonly more: string;
  /** `{0}`: how many facts. */
  readonly factsShown: string;
  readonly oneFactShown: string;
  readonly tableCaption: string;
  readonly columns: {
    readonly time: string;
    readonly server: string;
    readonly generation: string;
    readonly kind: string;
    readonly fact: string;
    readonly duration: string;
  };
  /** `{0}` to `{1}` of `{2}`. */
  readonly rows: string;
  readonly newer: string;
  readonly older: string;
  /** `{0}`: how many. */
  readonly showNew: string;
  /** `{0}`: the time. */
  readonly showInChart: string;
  readonly units: { readonly ms: string; readonly s: string; readonly min: string; readonly h: string };
}
