import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearest } from './nearest.ts';

/** A command of `resilient-mcp`. */
export interface Command {
  /** One line, for the list of commands. */
  readonly summary: string;
  /** The text of `--help`. */
  readonly usage: string;
  /** Runs to completion. @throws UsageError, Failed */
  readonly run: (args: readonly string[]) => Promise<void>;
}

/** Invalid usage: exit code 2. */
export class UsageError extends Error {
  /** The command that prints the help to read; undefined: that of the whole program. */
  help?: string;
}

/** An expected failure, explained in the message: exit code 1, printed without a stack. */
export class Failed extends Error {}

/** Parses the options of a command. @throws UsageError for an unknown option or a missing value */
export function parse<Options extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    const [sentence = ''] = (error as Error).message.split('. ');
    throw new UsageError(`${sentence.replace(/\.$/, '')}.${suggestion(sentence, Object.keys(options))}`);
  }
}

function suggestion(sentence: string, options: readonly string[]): string {
  const unknown = /^Unknown option '--([^']+)'/.exec(sentence)?.[1];
  const meant = unknown === undefined ? undefined : nearest(unknown, options);
  return meant === undefined ? '' : ` Did you mean --${meant}?`;
}

/** Parses an option in seconds. @returns milliseconds @throws UsageError */
export function seconds(option: string, text: string): number {
  if (!/^\d{1,5}(\.\d+)?$/.test(text)) {
    throw new UsageError(`--${option} must be a number of seconds, not ${text}.`);
  }
  return Number(text) * 1000;
}
