import type { HealingOptions } from '../client/options.ts';
import { UsageError } from './command.ts';

const MEBIBYTE = 1024 * 1024;
/** The longest text that JavaScript can hold is a little over 500 MiB. */
const MOST = 500;

/** How long a message may be, as `--max-message` says it, in MiB. */
export const maxMessageOption = { 'max-message': { type: 'string', default: '64' } } as const;

/** In bytes. @throws UsageError */
export function maxMessage(text: string): number {
  const mebibytes = Number(text);
  if (/^\d{1,3}$/.test(text) && mebibytes >= 1 && mebibytes <= MOST) return mebibytes * MEBIBYTE;
  throw new UsageError(`--max-message must be a number of MiB from 1 to ${MOST}, not ${text}.`);
}

/** The limits of a connection whose messages may be so long. */
export function limitsFor(maxMessageBytes: number): NonNullable<HealingOptions['limits']> {
  return { maxEventLength: maxMessageBytes, maxBodyBytes: maxMessageBytes };
}
