/** The longest name of a server, in characters. */
export const MAX_NAME_LENGTH = 64;

/** The fault of a server name, as text that follows "the server"; undefined if the name is valid. */
export function nameFault(name: string): string | undefined {
  if (name.trim() === '') return 'has no name. Give the server a name, such as "github".';
  if (name.length > MAX_NAME_LENGTH) {
    return `has a name of ${name.length} characters. Use at most ${MAX_NAME_LENGTH}.`;
  }
  // Format characters include those that reverse the reading direction and so disguise a name.
  return /[\p{C}\p{Zl}\p{Zp}]/u.test(name)
    ? 'has a control or format character in its name. Remove it.'
    : undefined;
}
