import { systemClock } from '../../base/environment.ts';
import { ResilientMcpError } from '../../protocol/errors.ts';
import type { LogEntry, LogLimits, SessionStore } from './store.ts';

export interface MemoryStoreOptions {
  /** Maximum number of keys; the oldest is dropped first. Default 10,000. */
  readonly maxKeys?: number;
  /** Maximum number of logs; the log without an entry for longest is dropped first. Default 1,000. */
  readonly maxLogs?: number;
  /**
   * Maximum total length of all logs, in characters. Over that, the log without an entry for longest is
   * dropped, or the oldest entries of a log that exceeds it alone. Default 67,108,864.
   */
  readonly maxLogLength?: number;
  /** Clock for expiry, in ms from any origin. Default: the system's monotonic clock. */
  readonly now?: () => number;
}

interface Kept<T> {
  readonly value: T;
  readonly until: number;
}

/** Keeps everything in this process, and nothing beyond its end. The default. */
export class MemoryStore implements SessionStore {
  readonly isImmediate = true;
  readonly #keys: Bounded<string>;
  readonly #logs: Logs;

  constructor({
    maxKeys = 10_000,
    maxLogs = 1000,
    maxLogLength = 64 * 1024 * 1024,
    now = systemClock.monotonic,
  }: MemoryStoreOptions = {}) {
    this.#keys = new Bounded('maxKeys', maxKeys, now);
    this.#logs = new Logs({ maxLogs, maxLogLength, now });
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

  async append(log: string, value: string, limits: LogLimits): Promise<string> {
    return this.#logs.append(log, value, limits);
  }

  async readAfter(log: string, after: string): Promise<readonly LogEntry[] | undefined> {
    const entries = this.#logs.get(log)?.entries ?? [];
    const at = entries.findIndex(({ id }) => id === after);
    return at < 0 ? undefined : entries.slice(at + 1);
  }

  async close(): Promise<void> {}
}

interface Log {
  readonly entries: LogEntry[];
  /** Total length, in characters. */
  length: number;
  until: number;
}

/** The logs, in the order of their last entries. */
class Logs {
  readonly #limits: Required<Pick<MemoryStoreOptions, 'maxLogs' | 'maxLogLength' | 'now'>>;
  readonly #logs = new Map<string, Log>();
  #length = 0;
  #lastEntry = 0;

  constructor(limits: Required<Pick<MemoryStoreOptions, 'maxLogs' | 'maxLogLength' | 'now'>>) {
    checkLimit('maxLogs', limits.maxLogs);
    checkLimit('maxLogLength', limits.maxLogLength);
    this.#limits = limits;
  }

  get(name: string): Log | undefined {
    const log = this.#logs.get(name);
    if (!log || log.until > this.#limits.now()) return log;
    this.#drop(name, log);
    return undefined;
  }

  append(name: string, value: string, { maxEntries, ttlMs }: LogLimits): string {
    const log = this.get(name) ?? { entries: [], length: 0, until: 0 };
    const id = String(++this.#lastEntry);
    log.entries.push({ id, value });
    log.until = this.#limits.now() + ttlMs;
    this.#grow(log, value.length);
    this.#logs.delete(name);
    this.#logs.set(name, log);
    if (log.entries.length > maxEntries) this.#shift(log);
    this.#makeRoom(log);
    return id;
  }

  #makeRoom(latest: Log): void {
    const { maxLogs, maxLogLength } = this.#limits;
    for (const [name, log] of this.#logs) {
      if (this.#logs.size <= maxLogs && this.#length <= maxLogLength) return;
      if (log !== latest) this.#drop(name, log);
    }
    while (this.#length > maxLogLength && latest.entries.length > 1) this.#shift(latest);
  }

  #drop(name: string, log: Log): void {
    this.#logs.delete(name);
    this.#length -= log.length;
  }

  #shift(log: Log): void {
    const oldest = log.entries.shift();
    if (oldest) this.#grow(log, -oldest.value.length);
  }

  #grow(log: Log, length: number): void {
    log.length += length;
    this.#length += length;
  }
}

function checkLimit(option: string, limit: number): void {
  if (!(limit > 0)) throw new ResilientMcpError('INVALID_CONFIGURATION', `${option} must be over 0.`);
}

/** A map in the order of the last `set`. The first entry is dropped when there are too many. */
class Bounded<T> {
  readonly #kept = new Map<string, Kept<T>>();
  readonly #limit: number;
  readonly #now: () => number;

  constructor(option: string, limit: number, now: () => number) {
    checkLimit(option, limit);
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
