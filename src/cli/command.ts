import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearest } from './nearest.ts';

/** One word after `resilient-mcp`. */
export interface Command {
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Its whole help. */
  readonly usage: string;
  /** Resolves when it has done its work. @throws UsageError, Failed */
  readonly run: (args: readonly string[]) => Promise<void>;
}

/** The usage is invalid: exit code 2. */
export class UsageError extends Error {}

/** It cannot be done, for a reason that a person can understand: exit code 1, and no stack. */
export class Failed extends Error {}

/** The options of a command line. @throws UsageError for one that is not known, or lacks its value */
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

/** An option that is a number of seconds, in ms. @throws UsageError */
export function seconds(option: string, text: string): number {
  if (!/^\d{1,5}(\.\d+)?$/.test(text)) {
    throw new UsageError(`--${option} must be a number of seconds, not ${text}.`);
  }
  return Number(text) * 1000;
}
