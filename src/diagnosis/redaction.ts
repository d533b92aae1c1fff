import { secretsOf, withoutSecrets } from '../protocol/http/secrets.ts';

/** How much of an id or a token may be shown, in characters. */
const SHOWN = 8;

/**
 * Takes out of a text what may not be shown: what it was told of, and what by its form is an id, a token, or the query
 * of an address. Servers repeat in their refusals what they were sent, and a report is made to be passed on.
 */
export class Redaction {
  readonly #secrets = new Map<string, string>();

  /** @param sent the headers that a person configured; only their secrets are taken */
  constructor(sent: Headers = new Headers()) {
    this.hide(secretsOf(sent));
  }

  /** An id that is a credential: its first characters are shown. */
  hideId(id: string): void {
    this.#secrets.set(id, shortId(id));
  }

  /** @param secrets texts, each with its replacement */
  hide(secrets: ReadonlyMap<string, string>): void {
    for (const [secret, shown] of secrets) this.#secrets.set(secret, shown);
  }

  clean(text: string): string {
    return withoutHomes(withoutTokens(withoutQueries(withoutSecrets(text, this.#secrets))));
  }
}

/** The first characters of an id; of a short one none. */
export function shortId(id: string): string {
  return id.length > SHOWN ? `${id.slice(0, SHOWN)}…` : '…';
}

/** A key often stands in the query of an address, and in what comes before its host. */
export function withoutQueries(text: string): string {
  return text
    .replace(/(\b[a-z][a-z0-9+.-]{1,15}:\/\/)[^\s/?#"'<>@]*@/gi, '$1***@')
    .replace(/(\b[a-z][a-z0-9+.-]{1,15}:\/\/[^\s?#"'<>]*)[?#][^\s"'<>]*/gi, '$1?…');
}

/** Twenty or more characters of an id's alphabet with a digit among them: too long for a word. */
function withoutTokens(text: string): string {
  return text.replace(/[\w~+=-]{20,}/g, (run) => (/\d/.test(run) ? shortId(run) : run));
}

/** The name of a person stands in the path of a home folder. */
function withoutHomes(text: string): string {
  return text.replace(/(?:\/(?:home|Users)\/|[a-z]:\\Users\\)[^\s/\\"'<>:]+/gi, '~');
}
