import { ProcessGroup } from '../editor-host/process-group.ts';

const PACK_LIMIT_MS = 120_000;

/** Builds the extension in `root` and packs it into `file`. */
export async function packExtension(root: string, file: string): Promise<void> {
  const args = ['scripts/package.ts', '--out', file];
  await new ProcessGroup(process.execPath, args, { cwd: root }).succeeded(PACK_LIMIT_MS);
}
