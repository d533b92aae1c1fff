import type { HealingOptions } from '../client/options.ts';
import { UsageError } from './command.ts';

const MEBIBYTE = 1024 * 1024;
/** Longest message, in MiB: a JavaScript string holds a little more than 500 MiB. */
const MOST = 500;

/** The option `--max-message`, in MiB. */
export const maxMessageOption = { 'max-message': { type: 'string', default: '64' } } as const;

/** Parses `--max-message`. @returns bytes @throws UsageError */
export function maxMessage(text: string): number {
  const mebibytes = Number(text);
  if (/^\d{1,3}$/.test(text) && mebibytes >= 1 && mebibytes <= MOST) return mebibytes * MEBIBYTE;
  throw new UsageError(`--max-message must be a number of MiB from 1 to ${MOST}, not ${text}.`);
}

/** Connection limits for messages of at most `maxMessageBytes`. */
export function limitsFor(maxMessageBytes: number): NonNullable<HealingOptions['limits']> {
  return { maxEventLength: maxMessageBytes, maxBodyBytes: maxMessageBytes };
}
