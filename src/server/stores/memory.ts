import { ResilientMcpError } from '../../protocol/errors.ts';
import { systemServerEnvironment } from '../environment.ts';
import type { LogEntry, LogLimits, SessionStore } from '../store.ts';

export interface MemoryStoreOptions {
  /** How many keys are kept, the oldest going first. Default 10,000. */
  readonly maxKeys?: number;
  /** How many logs are kept, the one that was longest without an entry going first. Default 1,000. */
  readonly maxLogs?: number;
  /** The time in ms since the epoch, for the end of what is kept. Default: the system's. */
  readonly now?: () => number;
}

interface Kept<T> {
  readonly value: T;
  readonly until: number;
}

/** Keeps everything in this process: what an ended process leaves is nothing. The default. */
export class MemoryStore implements SessionStore {
  readonly #keys: Bounded<string>;
  readonly #logs: Bounded<LogEntry[]>;
  #lastEntry = 0;

  constructor({
    maxKeys = 10_000,
    maxLogs = 1000,
    now = systemServerEnvironment().clock.now,
  }: MemoryStoreOptions = {}) {
    this.#keys = new Bounded('maxKeys', maxKeys, now);
    this.#logs = new Bounded('maxLogs', maxLogs, now);
  }

  async get(key: string): Promise<string | undefined> {
    return this.#keys.get(key);
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    this.#keys.set(key, value, ttlMs);
  }

  async delete(key: string): Promise<void> {
    this.#keys.delete(key);
  }

  async append(log: string, value: string, { maxEntries, ttlMs }: LogLimits): Promise<string> {
    const entries = this.#logs.get(log) ?? [];
    this.#lastEntry += 1;
    const id = String(this.#lastEntry);
    entries.push({ id, value });
    if (entries.length > maxEntries) entries.shift();
    this.#logs.set(log, entries, ttlMs);
    return id;
  }

  async readAfter(log: string, after: string): Promise<readonly LogEntry[] | undefined> {
    const entries = this.#logs.get(log) ?? [];
    const at = entries.findIndex(({ id }) => id === after);
    return at < 0 ? undefined : entries.slice(at + 1);
  }

  async close(): Promise<void> {}
}

/** A map in the order of the last `set`, from which the first goes when there are too many. */
class Bounded<T> {
  readonly #kept = new Map<string, Kept<T>>();
  readonly #limit: number;
  readonly #now: () => number;

  constructor(option: string, limit: number, now: () => number) {
    if (!(limit > 0)) throw new ResilientMcpError('INVALID_CONFIGURATION', `${option} must be over 0.`);
    this.#limit = limit;
    this.#now = now;
  }

  get(key: string): T | undefined {
    const kept = this.#kept.get(key);
    if (!kept || kept.until > this.#now()) return kept?.value;
    this.#kept.delete(key);
    return undefined;
  }

  set(key: string, value: T, ttlMs: number): void {
    this.#kept.delete(key);
    this.#kept.set(key, { value, until: this.#now() + ttlMs });
    if (this.#kept.size <= this.#limit) return;
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      return;
    }
  }

  delete(key: string): void {
    this.#kept.delete(key);
  }
}
