import type { Fact, Subscription } from '../client/observe/journal.ts';

/** What only the hub knows of a connection. */
export type OwnFact =
  | { kind: 'toolsListed'; generation: number; tools: number }
  | { kind: 'toolsNotListed'; generation: number; reason: string }
  /** The server answered `initialize` with something the client can't work with, such as an unknown revision. */
  | { kind: 'handshakeRefused'; generation: number; reason: string; waitMs: number };

/** A fact of a connection's journal, or of the hub, with the server it is about. */
export interface HubFact {
  readonly server: string;
  /** The number of the client whose connection it is, see `ClientSnapshot`; undefined for the hub's own. */
  readonly client?: number;
  /** In ms since the epoch. */
  readonly at: number;
  readonly fact: Fact | OwnFact;
}

/** A fact with its running number over all servers, from 1. */
export interface NumberedFact extends HubFact {
  readonly seq: number;
}

/** Where facts come from. A `Hub` is one. */
interface FactSource {
  onFact(listener: (fact: HubFact) => void): Subscription;
}

export interface FactHistoryLimits {
  /** How many answered requests are kept. Default 8,000. */
  readonly calls?: number;
  /** How many facts of every other kind are kept, all together. Default 2,000. */
  readonly others?: number;
}

/**
 * The latest facts of all servers, for displays. Answered requests have a limit of their own: a busy server must not
 * push out how another one lost its session.
 */
export class FactHistory {
  readonly limits: Required<FactHistoryLimits>;
  readonly #calls: Latest<NumberedFact>;
  readonly #others: Latest<NumberedFact>;
  readonly #listeners = new Set<(fact: NumberedFact) => void>();
  readonly #subscription: Subscription;
  #seq = 0;

  constructor(hub: FactSource, { calls = 8000, others = 2000 }: FactHistoryLimits = {}) {
    this.limits = { calls, others };
    this.#calls = new Latest(calls);
    this.#others = new Latest(others);
    this.#subscription = hub.onFact((fact) => this.#record(fact));
  }

  /** All that is kept, oldest first. */
  get facts(): readonly NumberedFact[] {
    return merged(this.#calls.items(), this.#others.items());
  }

  /** What is kept beside answered requests, oldest first. */
  get events(): readonly NumberedFact[] {
    return this.#others.items();
  }

  /** Calls `listener` for every later fact. */
  onFact(listener: (fact: NumberedFact) => void): Subscription {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#listeners.clear();
  }

  #record(fact: HubFact): void {
    const numbered = { ...fact, seq: ++this.#seq };
    (fact.fact.kind === 'requestAnswered' ? this.#calls : this.#others).push(numbered);
    for (const listener of [...this.#listeners]) listener(numbered);
  }
}

/** The last `capacity` items that were pushed. */
class Latest<Item> {
  readonly #capacity: number;
  readonly #items: Item[] = [];
  /** Where the oldest is, once the capacity is used up. */
  #start = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  push(item: Item): void {
    if (this.#items.length < this.#capacity) {
      this.#items.push(item);
      return;
    }
    this.#items[this.#start] = item;
    this.#start = (this.#start + 1) % this.#capacity;
  }

  /** Oldest first. */
  items(): Item[] {
    return [...this.#items.slice(this.#start), ...this.#items.slice(0, this.#start)];
  }
}

function merged(one: readonly NumberedFact[], other: readonly NumberedFact[]): NumberedFact[] {
  return [...one, ...other].sort((a, b) => a.seq - b.seq);
}
