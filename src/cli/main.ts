#!/usr/bin/env node
import { product } from '../base/product.ts';
import { type Command, UsageError } from './command.ts';
import { nearest } from './nearest.ts';
import { runProgram } from './program.ts';

/** Each command is loaded on demand, so that a bridge starts fast. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  attach: async () => (await import('./attach/command.ts')).attach,
  bridge: async () => (await import('./bridge/command.ts')).bridge,
  doctor: async () => (await import('./doctor.ts')).doctor,
  gateway: async () => (await import('./gateway/command.ts')).gateway,
  protect: async () => (await import('./protect/command.ts')).protect,
  serve: async () => (await import('./serve/command.ts')).serve,
  unprotect: async () => (await import('./protect/command.ts')).unprotect,
};

async function usage(): Promise<string> {
  const lines = Object.entries(commands).map(
    async ([name, load]) => `  ${name.padEnd(10)}${(await load()).summary}`,
  );
  return `Usage: resilient-mcp <command> [options]

${(await Promise.all(lines)).join('\n')}

  --help      Show this help; after a command, the help of that command.
  --version   Show the version.

Exit codes: 0 success, or ended by a signal; 1 failure; 2 invalid usage.

Example:
  resilient-mcp doctor http://localhost:3000/mcp
`;
}

async function main([name, ...all]: readonly string[]): Promise<void> {
  // Arguments after -- belong to another program.
  const end = all.indexOf('--');
  const args = end < 0 ? all : all.slice(0, end);
  if (name === '--version' || args.includes('--version')) return console.log(product.version);
  if (name === '--help' || name === '-h') return console.log(await usage());
  if (name === undefined) throw new UsageError('no command given.');
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!load) throw new UsageError(`there is no command ${name}.${suggestion(name)}`);
  const command = await load();
  if (args.includes('--help') || args.includes('-h')) return console.log(command.usage);
  try {
    await command.run(all);
  } catch (error) {
    if (error instanceof UsageError) error.help = `resilient-mcp ${name} --help`;
    throw error;
  }
}

function suggestion(name: string): string {
  const meant = nearest(name, Object.keys(commands));
  return meant === undefined ? '' : ` Did you mean ${meant}?`;
}

await runProgram(main);
