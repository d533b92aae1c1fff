import type { Subscription } from '../observe/journal.ts';

/**
 * Where connections of one process tell each other that a server answers, by its origin: one that waits for its next
 * attempt need not wait any longer. Nothing is kept of what nobody waits for.
 */
class SignsOfLife {
  readonly #listeners = new Map<string, Set<() => void>>();

  /** Somebody at this origin has answered. */
  tell(origin: string): void {
    for (const listener of [...(this.#listeners.get(origin) ?? [])]) listener();
  }

  /** Calls `listener` whenever somebody there answers. */
  hear(origin: string, listener: () => void): Subscription {
    const listeners = this.#listeners.get(origin) ?? new Set();
    this.#listeners.set(origin, listeners.add(listener));
    return {
      dispose: () => {
        listeners.delete(listener);
        if (listeners.size === 0 && this.#listeners.get(origin) === listeners) this.#listeners.delete(origin);
      },
    };
  }
}

/** That of this process. */
export const signsOfLife = new SignsOfLife();
