import type { NumberedFact } from '../../../hub/facts.ts';

/** A session that a connection has held. */
export interface Generation {
  readonly generation: number;
  /** In ms since the epoch. */
  readonly from: number;
  /** When it was lost or ended, in ms since the epoch; undefined while it is held. */
  readonly to: number | undefined;
  /** Why it was replaced, in the words of the journal; undefined when it was not. */
  readonly cause: string | undefined;
}

/** The sessions that the facts of one connection tell of, the latest first. */
export function generationsOf(facts: readonly NumberedFact[]): Generation[] {
  return facts.reduce<readonly Generation[]>(withFact, []).toReversed();
}

function withFact(found: readonly Generation[], { at, fact }: NumberedFact): readonly Generation[] {
  const { generation } = fact;
  switch (fact.kind) {
    case 'sessionOpened':
    case 'sessionResumed':
      return opened(found, generation, at);
    case 'sessionReplaced':
      return caused(opened(found, generation, at), fact.previous, fact.cause);
    case 'sessionLost':
    case 'connectionPaused':
    case 'connectionClosed':
      return ended(found, at);
    default:
      return found;
  }
}

function opened(found: readonly Generation[], generation: number, from: number): readonly Generation[] {
  const last = found.at(-1);
  const isKnown = last?.generation === generation && last.to === undefined;
  return isKnown ? found : [...ended(found, from), { generation, from, to: undefined, cause: undefined }];
}

function ended(found: readonly Generation[], to: number): readonly Generation[] {
  const last = found.at(-1);
  return last && last.to === undefined ? [...found.slice(0, -1), { ...last, to }] : found;
}

function caused(found: readonly Generation[], generation: number, cause: string): readonly Generation[] {
  const index = found.findLastIndex((each) => each.generation === generation);
  const replaced = found[index];
  return replaced ? found.with(index, { ...replaced, cause }) : found;
}
