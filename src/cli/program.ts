import { printable } from '../base/printable.ts';
import { describeError, isResilientMcpError } from '../protocol/errors.ts';
import { Failed, UsageError } from './command.ts';
import { useProxies } from './proxies.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Runs a program to its end, and ends the process with the code that says how that was. */
export async function runProgram(main: (args: readonly string[]) => Promise<void>): Promise<never> {
  try {
    const trouble = await useProxies(process.env);
    if (trouble !== undefined) console.error(`resilient-mcp: ${trouble}`);
    await main(process.argv.slice(2));
  } catch (error) {
    process.exitCode = error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
    // A server's words may be in it.
    for (const line of linesFor(error)) console.error(printable(line));
  }
  // Whoever has started this program may hold a channel to it, by which it would never end by itself.
  process.exit();
}

function linesFor(error: unknown): string[] {
  if (error instanceof UsageError) return [`resilient-mcp: ${error.message}`, 'See: resilient-mcp --help'];
  const stack = error instanceof Error && error.stack !== undefined ? [error.stack] : [];
  if (isResilientMcpError(error)) {
    return [`resilient-mcp: ${[error.message, ...(error.advice ? [error.advice] : [])].join(' ')}`];
  }
  return [`resilient-mcp: ${describeError(error)}`, ...(error instanceof Failed ? [] : stack)];
}
