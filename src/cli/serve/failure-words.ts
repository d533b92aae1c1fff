import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isResilientMcpError } from '../../protocol/errors.ts';
import type { Failure } from './messages.ts';

/**
 * A failure to load or to try a module, as a person wants to read it: what, and in which line of their own files.
 * `own` tells their files from ours and from packages.
 */
export function failureOf(error: unknown, own: (file: string) => boolean, cwd = process.cwd()): Failure {
  const where = placeOf(error, own);
  return {
    kind: 'failed',
    reason: wordsOf(error),
    where: where && `${relative(cwd, where.file) || where.file}:${where.line}`,
  };
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const advice = isResilientMcpError(error) && error.advice ? ` ${error.advice}` : '';
  const name = isResilientMcpError(error) ? '' : `${error.name}: `;
  // A compiler's message may bring its excerpt of the source along; the first line says what is wrong.
  const [first = ''] = error.message.trim().split('\n');
  return `${name}${first}${advice}`;
}

/** Node writes the place of a syntax error in front of the stack, and that of a throw into its frames. */
function placeOf(error: unknown, own: (file: string) => boolean): { file: string; line: number } | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  for (const line of stack.split('\n')) {
    const found =
      /(?:^|[\s(])((?:file:\/\/|\/|[A-Za-z]:\\)[^():]*(?:\([^)]*\))?[^():]*):(\d+)(?::\d+)?\)?$/.exec(
        line.trimEnd(),
      );
    if (!found?.[1]) continue;
    const file = found[1].startsWith('file:') ? fileURLToPath(found[1]) : found[1];
    if (own(file)) return { file, line: Number(found[2]) };
  }
  return undefined;
}
