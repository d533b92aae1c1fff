import { needsAuthorization } from './unauthorized.ts';

/** What a person's browser came back with from the page. */
export interface SignInAnswer {
  readonly code: string;
  /** The authorization server that it names as its own (RFC 9207). */
  readonly issuer: string | undefined;
  /** Whether that is all of it: then an issuer that is missing is known to be missing. */
  readonly isWhole: boolean;
}

/**
 * Reads what `finishAuth` was given: the code, or the whole query of the redirect address.
 * @throws ResilientMcpError `UNAUTHORIZED` where the person, or the authorization server, said no
 */
export function signInAnswer(given: string | URLSearchParams, issuer: string | undefined): SignInAnswer {
  if (typeof given === 'string') return { code: given, issuer, isWhole: false };
  const code = given.get('code');
  if (code) return { code, issuer: given.get('iss') ?? issuer, isWhole: true };
  // Nobody has shown yet whose words these are: no more of them than the code of the error.
  const [error] = /^[\w.-]{1,64}$/.exec(given.get('error') ?? '') ?? ['there is no code in the answer'];
  throw needsAuthorization(`The sign-in was not completed: ${error}.`);
}

/** @throws ResilientMcpError `UNAUTHORIZED` for an answer of another authorization server than was asked */
export function checkIssuer(
  answer: SignInAnswer,
  asked: { readonly issuer: string; readonly namesItself: boolean } | undefined,
): void {
  if (!asked || answer.issuer === asked.issuer) return;
  if (answer.issuer === undefined && !(answer.isWhole && asked.namesItself)) return;
  const who = answer.issuer === undefined ? 'nobody' : JSON.stringify(answer.issuer.slice(0, 200));
  throw needsAuthorization(
    `The answer to the sign-in names ${who} as its authorization server, and ${asked.issuer} was asked; the code was not used.`,
  );
}
