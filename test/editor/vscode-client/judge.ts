import type { Measurement } from './measure-calls.ts';
import { rowOf } from './rows.ts';

/**
 * What is wrong with a measurement through the gateway, in words: a request that could have been answered and was not, one
 * that ran twice, one that hangs, a notification that was lost. Nothing is asked of the client by itself.
 */
export function wrongWith({ row, facts, wire }: Measurement): string[] {
  const { mayFail = [], mayRunTwice = false } = rowOf(row);
  const ends = facts.flatMap(({ ended, words }) => (ended ? [{ ...ended, words }] : []));
  const isWrong = ({ key, how }: (typeof ends)[number]) =>
    how === 'pending' || (how === 'failed' && !mayFail.includes(key));
  return [
    ...ends.filter(isWrong).map(({ words }) => words),
    ...facts.filter(({ notified }) => notified === false).map(({ words }) => words),
    ...wire.requests
      .filter(({ ran }) => ran !== null && ran > 1 && !mayRunTwice)
      .map(({ key, ran }) => `${key}: ran ${ran} times`),
  ];
}
