import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ScratchFolder extends Disposable {
  /** Absolute path of the folder. */
  readonly path: string;
  /** Path of a file in it; the file is not made. */
  file(name: string): string;
}

/** A new folder in the machine's place for temporary files, removed with all it holds when disposed of. */
export function scratchFolder(): ScratchFolder {
  const path = mkdtempSync(join(tmpdir(), 'resilient-mcp-'));
  const remove = () => rmSync(path, { recursive: true, force: true });
  return { path, file: (name) => join(path, name), [Symbol.dispose]: remove };
}
