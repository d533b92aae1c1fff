/**
 * Text that a server or a settings file wrote, made fit for display. It must not pass for ours: no links, no icons, no
 * line breaks, no reversed reading direction, and no whole session id, which is a credential.
 */

/** Words of ASCII with single spaces between them, without the marks of icons and links. */
const HARMLESS = /^(?!.*(?:\$\(|\]\())[!-~]+(?: [!-~]+)*$/;

/** How much of one foreign text is shown, in characters. */
const MAX_SHOWN = 160;

/**
 * For labels, which know `$(icon)`, and for notifications, which know `[text](link)`: one line without either, at most
 * `limit` characters. Nothing to show is a dash.
 */
export function plainText(text: string, limit = MAX_SHOWN): string {
  // Nearly all text is like this, and there may be thousands of them at once.
  if (text.length <= limit && HARMLESS.test(text)) return text;
  const line = text
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .replaceAll('$(', '$\u200b(')
    .replaceAll('](', ']\u200b(')
    .trim();
  if (line === '') return '–';
  const characters = [...line];
  return characters.length > limit ? `${characters.slice(0, limit - 1).join('')}…` : line;
}

/**
 * For markdown: as {@link plainText}, with everything but letters, digits and spaces as an entity. Markdown reads its
 * marks before entities, so nothing in the result can begin a link, a table cell, code or an icon.
 */
export function markdownText(text: string, limit = MAX_SHOWN): string {
  return plainText(text, limit).replace(/[^\p{L}\p{N} ]/gu, (mark) => `&#${mark.codePointAt(0)};`);
}

/**
 * For what a server answered, before one of the above: cuts what looks like an id or a token, 20 or more characters of
 * its alphabet with a digit among them, to eight characters.
 */
export function maskTokens(text: string): string {
  return text.replace(/[\w~+=-]{20,}/g, (run) => (/\d/.test(run) ? `${run.slice(0, 8)}…` : run));
}
