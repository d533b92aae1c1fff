import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { systemClock } from '../../base/environment.ts';
import { describeError, isResilientMcpError, ResilientMcpError } from '../../protocol/errors.ts';
import { checkPrivate, preparePrivate } from '../ids/private-file.ts';
import type { LogEntry, LogLimits, SessionStore } from './store.ts';

export interface SqliteStoreOptions {
  /**
   * Path of the database file; `:memory:` for none. A missing file is created, readable by its owner only.
   * The file is refused when others can read or own it, or can write to its folder: it holds messages and
   * state of sessions.
   */
  readonly file: string;
  /**
   * Maximum number of keys, and of entries of all logs; the oldest is dropped first. Default 100,000 each.
   */
  readonly maxRows?: number;
  /** Clock for expiry, in ms since the epoch. Default: the system's. */
  readonly now?: () => number;
}

/** Number of writes between two sweeps for expired rows. */
const WRITES_BETWEEN_SWEEPS = 500;
/** How long a write waits for another writing process, in ms. */
const BUSY_MS = 1000;

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA busy_timeout = ${BUSY_MS};
  CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, log TEXT NOT NULL, value TEXT NOT NULL, until INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS entries_of_log ON entries (log, id);
`;

/**
 * Keeps everything in one file, for one server process at a time; the data outlives the process. Uses
 * `node:sqlite`, available without a flag since Node.js 22.13.
 */
export class SqliteStore implements SessionStore {
  readonly #database: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #maxRows: number;
  readonly #now: () => number;
  #writes = 0;

  /**
   * @throws ResilientMcpError `INVALID_CONFIGURATION` when the runtime has no SQLite, or the file cannot be
   * used
   */
  constructor({ file, maxRows = 100_000, now = systemClock.now }: SqliteStoreOptions) {
    this.#maxRows = maxRows;
    this.#now = now;
    const { DatabaseSync: Database } = sqlite();
    try {
      if (file !== ':memory:') keepPrivate(file);
      this.#database = new Database(file);
      this.#database.exec(schema);
      this.#statements = prepare(this.#database);
    } catch (error) {
      if (isResilientMcpError(error)) throw error;
      const message = `The session store ${file} cannot be used: ${describeError(error)}`;
      throw new ResilientMcpError('INVALID_CONFIGURATION', message, { cause: error });
    }
  }

  async get(key: string): Promise<string | undefined> {
    return this.#statements.get.get(key, this.#now())?.value as string | undefined;
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    this.#statements.set.run(key, value, this.#until(ttlMs));
    this.#wrote();
  }

  async delete(key: string): Promise<void> {
    this.#statements.delete.run(key);
  }

  async append(log: string, value: string, { maxEntries, ttlMs }: LogLimits): Promise<string> {
    const { lastInsertRowid } = this.#statements.append.run(log, value, this.#until(ttlMs));
    this.#statements.trim.run(log, log, maxEntries);
    this.#wrote();
    return String(lastInsertRowid);
  }

  async readAfter(log: string, after: string): Promise<readonly LogEntry[] | undefined> {
    const id = /^\d{1,15}$/.test(after) ? Number(after) : -1;
    const [from, ...entries] = this.#statements.from.all(log, id, this.#now());
    if (Number(from?.id) !== id) return undefined;
    return entries.map((row) => ({ id: String(row.id), value: String(row.value) }));
  }

  async close(): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }

  #until(ttlMs: number): number {
    return Math.min(this.#now() + ttlMs, Number.MAX_SAFE_INTEGER);
  }

  #wrote(): void {
    this.#writes += 1;
    if (this.#writes % WRITES_BETWEEN_SWEEPS !== 1) return;
    for (const sweep of this.#statements.sweeps) sweep.run(this.#now());
    for (const bound of this.#statements.bounds) bound.run(this.#maxRows);
  }
}

/**
 * Files that SQLite creates beside the database get the mode of the database file, unless they exist already.
 */
function keepPrivate(file: string): void {
  if (/^file:/i.test(file)) {
    throw new ResilientMcpError('INVALID_CONFIGURATION', `The session store wants a path, not "${file}".`);
  }
  preparePrivate(file);
  for (const beside of [`${file}-wal`, `${file}-shm`, `${file}-journal`]) checkPrivate(beside);
}

function prepare(database: DatabaseSync) {
  const statement = (text: string): StatementSync => database.prepare(text);
  return {
    get: statement('SELECT value FROM kept WHERE key = ? AND until > ?'),
    set: statement('INSERT OR REPLACE INTO kept (key, value, until) VALUES (?, ?, ?)'),
    delete: statement('DELETE FROM kept WHERE key = ?'),
    append: statement('INSERT INTO entries (log, value, until) VALUES (?, ?, ?)'),
    trim: statement(
      'DELETE FROM entries WHERE log = ? AND id <= (SELECT id FROM entries WHERE log = ? ORDER BY id DESC LIMIT 1 OFFSET ?)',
    ),
    from: statement('SELECT id, value FROM entries WHERE log = ? AND id >= ? AND until > ? ORDER BY id'),
    sweeps: [
      statement('DELETE FROM kept WHERE until <= ?'),
      statement('DELETE FROM entries WHERE until <= ?'),
    ],
    bounds: [
      statement('DELETE FROM kept WHERE key IN (SELECT key FROM kept ORDER BY until DESC LIMIT -1 OFFSET ?)'),
      statement(
        'DELETE FROM entries WHERE id IN (SELECT id FROM entries ORDER BY id DESC LIMIT -1 OFFSET ?)',
      ),
    ],
  };
}

/** Loaded at run time: an import would keep the whole module from loading where SQLite is missing. */
function sqlite(): typeof import('node:sqlite') {
  const found = process.getBuiltinModule?.('node:sqlite');
  if (found) return found;
  throw new ResilientMcpError(
    'INVALID_CONFIGURATION',
    `This runtime (Node.js ${process.versions.node}) has no node:sqlite.`,
    { advice: 'Use Node.js 22.13 or later, or another store.' },
  );
}
