#!/usr/bin/env node
import { product } from '../base/product.ts';
import { type Command, UsageError } from './command.ts';
import { nearest } from './nearest.ts';
import { runProgram } from './program.ts';

/** Loaded when asked for: a client that starts a bridge waits for it. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  attach: async () => (await import('./attach/command.ts')).attach,
  bridge: async () => (await import('./bridge/command.ts')).bridge,
  doctor: async () => (await import('./doctor.ts')).doctor,
  gateway: async () => (await import('./gateway/command.ts')).gateway,
  serve: async () => (await import('./serve/command.ts')).serve,
};

async function usage(): Promise<string> {
  const lines = Object.entries(commands).map(
    async ([name, load]) => `  ${name.padEnd(10)}${(await load()).summary}`,
  );
  return `Usage: resilient-mcp <command> [options]

${(await Promise.all(lines)).join('\n')}

  --help      This text; after a command, that command's.
  --version   The version.

Exit codes: 0 done, or ended by SIGINT or SIGTERM; 1 it cannot be done; 2 the usage is invalid.
`;
}

async function main([name, ...all]: readonly string[]): Promise<void> {
  // What follows -- belongs to the program that is named there.
  const end = all.indexOf('--');
  const args = end < 0 ? all : all.slice(0, end);
  if (name === '--version' || args.includes('--version')) return console.log(product.version);
  if (name === '--help' || name === '-h') return console.log(await usage());
  if (name === undefined) throw new UsageError('a command is missing.');
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!load) throw new UsageError(`there is no command ${name}.${suggestion(name)}`);
  const command = await load();
  if (args.includes('--help') || args.includes('-h')) return console.log(command.usage);
  await command.run(all);
}

function suggestion(name: string): string {
  const meant = nearest(name, Object.keys(commands));
  return meant === undefined ? '' : ` Did you mean ${meant}?`;
}

await runProgram(main);
