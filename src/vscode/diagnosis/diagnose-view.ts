import type { ServerSnapshot } from '../../hub/snapshot.ts';
import { type ResetPick, type ResetTarget, resetPicks, resetTarget } from '../commands/reset-target.ts';
import type { Translate } from '../text/translate.ts';

/** One server, or none: all at once would be one report after the other. */
export type DiagnoseTarget = Exclude<ResetTarget, { kind: 'all' }>;

/** Which server is meant; `argument` as in {@link resetTarget}. */
export function diagnoseTarget(argument: unknown, names: readonly string[]): DiagnoseTarget {
  const target = resetTarget(argument, names);
  return target.kind === 'all' ? { kind: 'ask' } : target;
}

/** The lines of the pick: each server, with what its connection is doing. */
export function diagnosePicks(
  servers: readonly ServerSnapshot[],
  t: Translate,
): (ResetPick & { readonly target: { readonly kind: 'one' } })[] {
  return resetPicks(servers, t).filter(
    (pick): pick is ResetPick & { readonly target: { kind: 'one'; name: string } } =>
      pick.target.kind === 'one',
  );
}

/** A name for the document that holds a report: what a file system and a tab can show. */
export function reportName(server: string): string {
  const plain = server.replace(/[^\p{L}\p{N} ._-]+/gu, '-').slice(0, 64);
  return `Diagnosis of ${plain}.md`;
}
