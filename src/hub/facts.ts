import type { Fact, Subscription } from '../client/observe/journal.ts';

/** What only the hub knows of a connection. */
export type OwnFact =
  | { kind: 'toolsListed'; generation: number; tools: number }
  | { kind: 'toolsNotListed'; generation: number; reason: string }
  /** The client cannot use the server's answer to `initialize`, for example an unknown revision. */
  | { kind: 'handshakeRefused'; generation: number; reason: string; waitMs: number };

/** A fact of a connection's journal or of the hub, with its server. */
export interface HubFact {
  readonly server: string;
  /** The number of the client's connection, see `ClientSnapshot`; undefined for the hub's own. */
  readonly client?: number;
  /** Ms since the epoch. */
  readonly at: number;
  readonly fact: Fact | OwnFact;
}

/** A fact with its running number over all servers, from 1. */
export interface NumberedFact extends HubFact {
  readonly seq: number;
}

/** Source of facts. A `Hub` is one. */
interface FactSource {
  onFact(listener: (fact: HubFact) => void): Subscription;
}

export interface FactHistoryLimits {
  /** Limit of answered requests kept. Default 8,000. */
  readonly calls?: number;
  /** Limit of all other facts kept, together. Default 2,000. */
  readonly others?: number;
}

/**
 * The latest facts of all servers, for displays. Answered requests have a separate limit: a busy server must
 * not push out the facts about another server's lost session.
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

  /** All kept facts, oldest first. */
  get facts(): readonly NumberedFact[] {
    return merged(this.#calls.items(), this.#others.items());
  }

  /** Kept facts other than answered requests, oldest first. */
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
  /** Index of the oldest item, once the capacity is used up. */
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
