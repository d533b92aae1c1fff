import { printableJson } from '../base/printable.ts';
import type { HubFact } from '../hub/facts.ts';

type AnyFact = HubFact['fact'];
/** A fact, and when it was told, in ms since the epoch. */
type LoggedFact = AnyFact & { readonly seq?: number; readonly at: number };

/** Receives the facts of every connection, and the name of its server where there are several. */
export type NoteFact = (fact: LoggedFact, server?: string) => void;

/** Writes one line of a log. */
export type WriteLine = (line: string) => void;

/** Logs every fact as a line of JSON, for programs. */
export function structured(write: WriteLine): NoteFact {
  return ({ seq: _, at, kind, ...fields }, server) => {
    const named = 'server' in fields ? { ...fields, implementation: fields.server } : fields;
    write(printableJson({ time: new Date(at).toISOString(), fact: kind, ...named, server }));
  };
}

/** Logs trouble and its end as sentences, for people. */
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
        ? `no answer yet, retrying: ${line(fact.reason)}`
        : undefined;
    case 'sessionLost':
      return `session lost: ${line(fact.evidence)}`;
    case 'sessionReplaced':
      return `new session after ${Math.round(fact.durationMs)} ms`;
    case 'serverUnavailable':
      return `the server does not answer: ${line(fact.reason)}`;
    case 'serverAnswered':
      return `the server answers again after ${Math.round(fact.outageMs)} ms`;
    case 'connectionDown':
      return `still no session, retrying slowly: ${line(fact.reason)}`;
    case 'outcomeUnknown':
      return `${line(fact.tool ?? fact.method)} may or may not have run: ${line(fact.reason)}`;
    default:
      return undefined;
  }
}

/** Makes untrusted text safe for one log line: without line breaks and terminal control codes, at most 300 characters. */
export function line(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 300);
}
