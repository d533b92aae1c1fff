import { isSecretName } from '../../base/secret-names.ts';
import { SESSION_ID_HEADER } from './headers.ts';

/** Shorter texts are no secrets, and replacing them would make words unreadable. */
const MIN_LENGTH = 8;
/** How much of a session id may be shown, in characters: enough to tell sessions apart. */
const SHOWN_OF_SESSION_ID = 8;

/** The beginning of a session id. A whole id is a credential and is never shown or logged. */
export function shortened(sessionId: string): string {
  return sessionId.length > SHOWN_OF_SESSION_ID ? `${sessionId.slice(0, SHOWN_OF_SESSION_ID)}…` : '…';
}

/**
 * The secrets that a request carried, and what may be shown in their place. Some servers repeat in an error what they
 * were sent (`Session not found: <the whole id>`, java-sdk), and errors are logged.
 */
export function secretsOf(headers: Headers): ReadonlyMap<string, string> {
  const secrets = new Map<string, string>();
  headers.forEach((value, name) => {
    if (name === SESSION_ID_HEADER) secrets.set(value, value.slice(0, SHOWN_OF_SESSION_ID));
    else if (isSecretName(name))
      for (const part of [value, ...value.split(/[\s,;]+/)]) secrets.set(part, '***');
  });
  return secrets;
}

/** The text without the secrets, the longest first, so that no rest of one is left. */
export function withoutSecrets(text: string, secrets: ReadonlyMap<string, string>): string {
  let result = text;
  for (const [secret, shown] of [...secrets].sort(([a], [b]) => b.length - a.length)) {
    if (secret.length > MIN_LENGTH) result = result.replaceAll(secret, shown);
  }
  return result;
}
