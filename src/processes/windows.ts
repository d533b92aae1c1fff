import { win32 } from 'node:path';

/**
 * The program of Windows that ends a process with all that it has started, and its arguments. By its whole path: a bare
 * name would be looked for in the current folder first.
 */
export function treeKiller(
  pid: number,
  env: Readonly<Record<string, string | undefined>> = process.env,
): readonly [command: string, args: readonly string[]] {
  // Windows takes the names of variables in any case; an object of them may have been copied.
  const [, root = 'C:\\Windows'] = Object.entries(env).find(([name]) => /^systemroot$/i.test(name)) ?? [];
  return [win32.join(root, 'System32', 'taskkill.exe'), ['/pid', String(pid), '/t', '/f']];
}
