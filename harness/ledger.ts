import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';

/** One execution, as the ledger file holds it: one JSON object a line. */
export interface LedgerLine {
  /** What the caller wanted written. Callers make each one unique, so that a second run shows. */
  readonly entry: string;
  /** The process that ran it. */
  readonly pid: number;
  /** When, in ms since the epoch. */
  readonly at: number;
  /** First eight characters of the session it came by. */
  readonly session: string;
}

/**
 * A file to which each execution of a call is written, and synced, before the call is answered. It outlives the
 * server's process, so it is the witness of what ran and how often.
 */
export class Ledger {
  readonly file: string;
  readonly #handle: number;
  readonly #entries: Set<string>;

  /** Opens the file, or creates it. One process at a time writes to it. */
  constructor(file: string) {
    this.file = file;
    this.#entries = new Set(existsSync(file) ? readLedger(file).map((line) => line.entry) : []);
    this.#handle = openSync(file, 'a');
  }

  /** Writes one execution. It is on the disk when this returns; an entry that is there already is written again. */
  append(entry: string, session: string): LedgerLine {
    const line: LedgerLine = { entry, pid: process.pid, at: Date.now(), session };
    writeSync(this.#handle, `${JSON.stringify(line)}\n`);
    fsyncSync(this.#handle);
    this.#entries.add(entry);
    return line;
  }

  has(entry: string): boolean {
    return this.#entries.has(entry);
  }

  lines(): LedgerLine[] {
    return readLedger(this.file);
  }

  close(): void {
    closeSync(this.#handle);
  }
}

/**
 * Reads a ledger file, oldest line first.
 *
 * @throws SyntaxError when a line is not whole: then the file can't be a witness.
 */
export function readLedger(file: string): LedgerLine[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LedgerLine);
}

/** The entries that ran more than once, each with the number of its runs. */
export function ranTwice(lines: readonly LedgerLine[]): Map<string, number> {
  const runs = new Map<string, number>();
  for (const { entry } of lines) runs.set(entry, (runs.get(entry) ?? 0) + 1);
  return new Map([...runs].filter(([, count]) => count > 1));
}
