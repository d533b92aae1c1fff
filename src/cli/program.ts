import { printable } from '../base/printable.ts';
import { describeError, isResilientMcpError } from '../protocol/errors.ts';
import { Failed, UsageError } from './command.ts';
import { useProxies } from './proxies.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/**
 * Runs `main` with the command line, prints its errors, and ends the process with an exit code.
 * @param name the prefix of its errors
 * @param help the command that prints its help, for errors of usage that name no other
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
    // The message may quote a server.
    for (const line of [`${name}: ${messageOf(error)}`, ...detailsOf(error, help)]) {
      console.error(printable(line));
    }
  }
  // An open IPC channel to the parent process would keep this one alive.
  process.exit();
}

function messageOf(error: unknown): string {
  if (error instanceof UsageError) return error.message;
  if (isResilientMcpError(error)) return [error.message, ...(error.advice ? [error.advice] : [])].join(' ');
  return describeError(error);
}

/** For invalid usage, where the help is; for an unexpected error, its stack. */
function detailsOf(error: unknown, help: string): string[] {
  if (error instanceof UsageError) return [`See: ${error.help ?? help}`];
  const isExpected = error instanceof Failed || isResilientMcpError(error);
  return error instanceof Error && error.stack !== undefined && !isExpected ? [error.stack] : [];
}
