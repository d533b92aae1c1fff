#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { describeError, isResilientMcpError } from '../protocol/errors.ts';
import { type Command, Failed, UsageError } from './command.ts';
import { serve } from './serve.ts';

const commands: Readonly<Record<string, Command>> = { serve };

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const usage = `Usage: resilient-mcp <command> [options]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`)
  .join('\n')}

  --help      This text; after a command, that command's.
  --version   The version.
`;

async function main([name, ...args]: readonly string[]): Promise<void> {
  if (name === '--version') return console.log(version());
  if (name === '--help' || name === '-h') return console.log(usage);
  if (name === undefined) throw new UsageError('a command is missing.');
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new UsageError(`there is no command ${name}.`);
  if (args.includes('--help') || args.includes('-h')) return console.log(command.usage);
  await command.run(args);
}

function version(): string {
  const [sources, built] = ['../../package.json', '../../../package.json'].map((path) => {
    try {
      return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as {
        name?: string;
        version: string;
      };
    } catch {
      return undefined;
    }
  });
  return (sources?.name === 'resilient-mcp' ? sources : built)?.version ?? 'unknown';
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`resilient-mcp: ${error.message}\nSee: resilient-mcp --help`);
    process.exitCode = EXIT_USAGE;
  } else if (error instanceof Failed || isResilientMcpError(error)) {
    const advice = isResilientMcpError(error) && error.advice ? ` ${error.advice}` : '';
    console.error(`resilient-mcp: ${error.message}${advice}`);
    process.exitCode = EXIT_FAILED;
  } else {
    console.error(`resilient-mcp: ${describeError(error)}`);
    if (error instanceof Error) console.error(error.stack);
    process.exitCode = EXIT_FAILED;
  }
}
// Whoever has started this program may hold a channel to it, by which it would never end by itself.
process.exit();
