import type { ExchangeFailure } from '../wire/wire.ts';

/**
 * The journal: a bounded list of facts, in the past tense. Status bar, log, metrics and timeline are readers of it.
 */

/** What can be told of a connection. `generation` is the session the fact is about. */
export type Fact =
  | {
      kind: 'sessionOpened';
      generation: number;
      session: string | undefined;
      protocolVersion: string;
      server: string;
      durationMs: number;
    }
  /** A session of an earlier connection was found alive. */
  | { kind: 'sessionResumed'; generation: number; session: string }
  | { kind: 'sessionLost'; generation: number; evidence: string }
  | { kind: 'serverUnavailable'; generation: number; reason: string }
  | { kind: 'serverAnswered'; generation: number; outageMs: number }
  | { kind: 'attemptFailed'; generation: number; attempt: number; reason: string; waitMs: number }
  | { kind: 'sessionReplaced'; generation: number; previous: number; cause: string; durationMs: number }
  | { kind: 'connectionDown'; generation: number; reason: string }
  /** What the network or the server did, before it was decided what to make of it. */
  | ({ kind: 'exchangeFailed'; generation: number } & ExchangeFailure)
  | { kind: 'requestReplayed'; generation: number; method: string; tool: string | undefined; because: string }
  | {
      kind: 'outcomeUnknown';
      generation: number;
      method: string;
      tool: string | undefined;
      code: string;
      reason: string;
    }
  | {
      kind: 'requestAnswered';
      generation: number;
      method: string;
      tool: string | undefined;
      durationMs: number;
      /** The JSON-RPC code, where the answer was an error. */
      error?: number;
    }
  | {
      kind: 'requestFailed';
      generation: number;
      method: string;
      tool: string | undefined;
      code: string;
      reason: string;
    }
  | { kind: 'requestCancelled'; generation: number; method: string; tool: string | undefined }
  | { kind: 'streamOpened'; generation: number }
  | { kind: 'streamEnded'; generation: number; reason: string }
  | { kind: 'streamNotOffered'; generation: number; status: number }
  | {
      kind: 'stateRestored';
      generation: number;
      logLevel: string | undefined;
      subscriptions: number;
      failed: number;
    }
  | { kind: 'serverChanged'; generation: number; what: readonly string[] }
  | { kind: 'resetRequested'; generation: number }
  | {
      kind: 'sessionEnded';
      generation: number;
      outcome: 'deleted' | 'closed' | 'not offered' | 'already gone' | 'failed';
    }
  /** A line that a local server wrote beside the protocol, to its standard error; cut, and without known secrets. */
  | { kind: 'serverWrote'; generation: number; text: string }
  /** Its owner wants nothing sent, and its session ended. */
  | { kind: 'connectionPaused'; generation: number }
  | { kind: 'connectionResumed'; generation: number }
  | { kind: 'connectionClosed'; generation: number };

export type FactKind = Fact['kind'];

/** A fact with its running number and its time in ms since the epoch. */
export type JournalEntry = Fact & { readonly seq: number; readonly at: number };

export interface Subscription {
  dispose(): void;
}

export interface JournalOptions {
  /** How many entries are kept. Default 1,000; the oldest go first. */
  readonly capacity?: number;
  readonly now: () => number;
}

/** The journal as everybody sees it but the connection that writes it. */
export interface JournalReader {
  /** Oldest first. */
  readonly entries: readonly JournalEntry[];
  /** Calls `listener` for every later entry. What it throws is swallowed. */
  subscribe(listener: (entry: JournalEntry) => void): Subscription;
}

export class Journal implements JournalReader {
  /** What is given out: an object that can't write. */
  readonly reader: JournalReader;
  readonly #entries: JournalEntry[] = [];
  readonly #listeners = new Set<(entry: JournalEntry) => void>();
  readonly #capacity: number;
  readonly #now: () => number;
  #seq = 0;

  constructor(options: JournalOptions) {
    this.#capacity = options.capacity ?? 1000;
    this.#now = options.now;
    const entries = this.#entries;
    this.reader = {
      get entries() {
        return entries;
      },
      subscribe: (listener) => this.subscribe(listener),
    };
  }

  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  record(fact: Fact): JournalEntry {
    const entry: JournalEntry = { ...fact, seq: ++this.#seq, at: this.#now() };
    this.#entries.push(entry);
    if (this.#entries.length > this.#capacity) this.#entries.shift();
    for (const listener of [...this.#listeners]) {
      try {
        listener(entry);
      } catch {
        // A reader must not be able to break the connection it reads of (issue 3, point 8).
      }
    }
    return entry;
  }

  subscribe(listener: (entry: JournalEntry) => void): Subscription {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }
}
