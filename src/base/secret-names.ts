/** What a name of a secret holds somewhere: `Authorization`, `X-API-Key`, `clientSecret`. Not `GIT_AUTHOR_NAME`, `KEYBOARD`. */
const SECRET_PART =
  /auth(?!or(?!i[sz]))|cookie|credential|key(?!board|word)|passw|passphrase|secret|session|signature|token(?!i[sz])/i;
/** Words that name a secret where they stand alone: `GH_PAT`, `DB_PASS`. */
const SECRET_WORDS: ReadonlySet<string> = new Set(['dsn', 'jwt', 'jwts', 'pass', 'pat', 'pats', 'pwd']);

/**
 * Whether a name (of a header, a variable, an option, a part of a query) says that its value is a secret. One name too
 * many is better than one too few: a hidden value does no harm, a shown secret does.
 */
export function isSecretName(name: string): boolean {
  if (SECRET_PART.test(name)) return true;
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').split(/[^A-Za-z0-9]+/);
  return words.some((word) => SECRET_WORDS.has(word.toLowerCase()));
}
