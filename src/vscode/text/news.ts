import type { NumberedFact } from '../../hub/fact-history.ts';

/** Too frequent, and of too little weight, for a list of the latest. */
const NO_NEWS: ReadonlySet<string> = new Set([
  'exchangeFailed',
  'requestAnswered',
  'serverWrote',
  'streamOpened',
  'streamEnded',
  'streamNotOffered',
]);

/** Whether a fact is one that a person is told of in a list of the latest. */
export function isNews({ fact }: NumberedFact): boolean {
  return !NO_NEWS.has(fact.kind);
}

/** The latest news of each server, by its name. */
export function latestNews(facts: readonly NumberedFact[]): ReadonlyMap<string, NumberedFact> {
  return new Map(facts.filter(isNews).map((fact) => [fact.server, fact]));
}
