import { existsSync, statSync } from 'node:fs';
import { describeError, ResilientMcpError } from '../protocol/errors.ts';
import type { Program } from './program.ts';

/** Why a program could not be started, and what to do about it. */
export function startFailure(error: unknown, { command, cwd }: Program): ResilientMcpError {
  return failed(wordsFor((error as NodeJS.ErrnoException).code, error, command, cwd), error);
}

/** Refuses a folder that is not there: the system would say that the command was not found. */
export function checkFolder(cwd: string): void {
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) return;
  throw failed(
    `The folder ${JSON.stringify(cwd)} is not there, so nothing can be started in it. Check "cwd".`,
  );
}

function wordsFor(code: string | undefined, error: unknown, command: string, cwd: string): string {
  const name = JSON.stringify(command);
  if (code === 'ENOENT') {
    if (/[\\/]/.test(command) && existsSync(command)) {
      return `The command ${name} could not be run: the interpreter that its first line names was not found.`;
    }
    const advice = /\s/.test(command)
      ? 'Put its arguments into "args".'
      : 'Install it, or give its whole path in "command".';
    return `The command ${name} was not found. ${advice}`;
  }
  if (code === 'EACCES') {
    return existsSync(command) && statSync(command).isDirectory()
      ? `The command ${name} is a folder. Give the path of the program in it.`
      : `The command ${name} may not be run (permission denied). Make it executable, or run it by its interpreter.`;
  }
  return `The command ${name} could not be started in ${JSON.stringify(cwd)}: ${describeError(error)}`;
}

function failed(message: string, cause?: unknown): ResilientMcpError {
  return new ResilientMcpError('SERVER_NOT_STARTED', message, { cause });
}
