import { printable } from '../base/printable.ts';
import { describeError, isResilientMcpError } from '../protocol/errors.ts';
import { Failed, UsageError } from './command.ts';
import { useProxies } from './proxies.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/**
 * Runs a program to its end, and ends the process with the code that says how that was.
 * @param name what its errors begin with
 * @param help the command that prints its help
 */
export async function runProgram(
  main: (args: readonly string[]) => Promise<void>,
  name = 'resilient-mcp',
  help = 'resilient-mcp --help',
): Promise<never> {
  try {
    const trouble = await useProxies(process.env);
    if (trouble !== undefined) console.error(`${name}: ${trouble}`);
    await main(process.argv.slice(2));
  } catch (error) {
    process.exitCode = error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
    // A server's words may be in it.
    for (const line of [`${name}: ${wordsOf(error)}`, ...moreOf(error, help)]) console.error(printable(line));
  }
  // Whoever has started this program may hold a channel to it, by which it would never end by itself.
  process.exit();
}

function wordsOf(error: unknown): string {
  if (error instanceof UsageError) return error.message;
  if (isResilientMcpError(error)) return [error.message, ...(error.advice ? [error.advice] : [])].join(' ');
  return describeError(error);
}

/** Where help is; for what was not foreseen, its stack. */
function moreOf(error: unknown, help: string): string[] {
  if (error instanceof UsageError) return [`See: ${help}`];
  const isForeseen = error instanceof Failed || isResilientMcpError(error);
  return error instanceof Error && error.stack !== undefined && !isForeseen ? [error.stack] : [];
}
