import { printableJson } from '../base/printable.ts';
import type { HubFact } from '../hub/facts.ts';

type AnyFact = HubFact['fact'];
/** A fact, and when it was told, in ms since the epoch. */
type LoggedFact = AnyFact & { readonly seq?: number; readonly at: number };

/** Receives the facts of every connection, and the name of its server where there are several. */
export type NoteFact = (fact: LoggedFact, server?: string) => void;

/** Writes one line of a log. */
export type WriteLine = (line: string) => void;

/** Every fact as a line of JSON, for a program that reads the log. */
export function structured(write: WriteLine): NoteFact {
  return ({ seq: _, at, kind, ...fields }, server) => {
    const named = 'server' in fields ? { ...fields, implementation: fields.server } : fields;
    write(printableJson({ time: new Date(at).toISOString(), fact: kind, ...named, server }));
  };
}

/** The facts that somebody wants to know who has not asked, as sentences. */
export function inWords(write: WriteLine): NoteFact {
  return (fact, server) => {
    const words = wordsFor(fact);
    if (words !== undefined) write(server === undefined ? words : `${server}: ${words}`);
  };
}

function wordsFor(fact: AnyFact): string | undefined {
  switch (fact.kind) {
    case 'sessionOpened':
      return fact.generation === 1 ? `connected to ${line(fact.server)}` : undefined;
    case 'attemptFailed':
      return fact.generation === 0 && fact.attempt === 1
        ? `no answer yet, and tried again: ${line(fact.reason)}`
        : undefined;
    case 'sessionLost':
      return `the session is lost: ${line(fact.evidence)}`;
    case 'sessionReplaced':
      return `a new session replaces it, after ${Math.round(fact.durationMs)} ms`;
    case 'serverUnavailable':
      return `the server does not answer: ${line(fact.reason)}`;
    case 'serverAnswered':
      return `the server answers again, after ${Math.round(fact.outageMs)} ms`;
    case 'connectionDown':
      return `still no session, and tried again slowly: ${line(fact.reason)}`;
    case 'outcomeUnknown':
      return `${line(fact.tool ?? fact.method)} may or may not have run: ${line(fact.reason)}`;
    default:
      return undefined;
  }
}

/** A server must not be able to write a line of its own, or to colour the terminal. */
export function line(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 300);
}
