import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Editors write a file in several steps, and formatters write it again: one change, this many ms after the last step. */
const SETTLE_MS = 100;
/** Files that are watched; what a module needs beyond that is not. */
const MAX_FILES = 10_000;

/**
 * Tells when one of a growing set of files has changed, appeared or gone. It watches their folders, not the files: an
 * editor that writes a new file and renames it over the old one would otherwise leave it watching the old one.
 */
export class FileWatch {
  readonly #onChange: (file: string) => void;
  readonly #stamps = new Map<string, string>();
  readonly #folders = new Map<string, FSWatcher | undefined>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(onChange: (file: string) => void) {
    this.#onChange = onChange;
  }

  /** Adds files. One that has changed since `readAt` (ms since the epoch), when it was read, counts as changed. */
  add(files: readonly string[], readAt: number): void {
    for (const file of files) {
      if (this.#stamps.has(file) || this.#stamps.size >= MAX_FILES) continue;
      this.#watchFolder(dirname(file));
      this.#stamps.set(file, stampOf(file));
      if (modifiedAt(file) > readAt) this.#changed(file);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#folders.values()) watcher?.close();
    this.#folders.clear();
  }

  #watchFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    try {
      const watcher = watch(folder, (_event, name) => this.#look(folder, name));
      watcher.on('error', () => this.#forget(folder));
      this.#folders.set(folder, watcher);
    } catch {
      // The folder of a file that is asked for and not there need not be there either.
    }
  }

  #forget(folder: string): void {
    this.#folders.get(folder)?.close();
    this.#folders.delete(folder);
  }

  #look(folder: string, name: string | null): void {
    // Some systems do not say which file it was.
    const files = name === null ? [...this.#stamps.keys()] : [join(folder, basename(name))];
    for (const file of files) {
      const before = this.#stamps.get(file);
      if (before === undefined || before === stampOf(file)) continue;
      this.#changed(file);
    }
  }

  #changed(file: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      for (const each of this.#stamps.keys()) this.#stamps.set(each, stampOf(each));
      this.#onChange(file);
    }, SETTLE_MS);
  }
}

/** Differs when the file does; reading is no change. */
function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stat ? `${stat.mtimeNs} ${stat.size} ${stat.ino}` : 'none';
}

function modifiedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
