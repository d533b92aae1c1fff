/** What a terminal or a page may obey, or a reader does not see: controls, marks of direction, separators of lines. */
const HIDDEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A text with nothing in it that does something where it is shown; such characters are named by their codes. */
export function printable(text: string): string {
  return text.replaceAll(HIDDEN, escaped);
}

/** A value as JSON that is the same for a reader of JSON, and does nothing where it is shown. */
export function printableJson(value: unknown, indent?: number): string {
  return printable(JSON.stringify(value, undefined, indent) ?? 'null');
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
