/** One replacement in a text. */
export interface TextChange {
  readonly offset: number;
  readonly removed: string;
  readonly inserted: string;
}

/** The smallest single replacement that makes one text of the other. */
export function changeBetween(before: string, after: string): TextChange {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  let same = 0;
  while (same < shorter - start && before.at(-1 - same) === after.at(-1 - same)) same++;
  return {
    offset: start,
    removed: before.slice(start, before.length - same),
    inserted: after.slice(start, after.length - same),
  };
}

/**
 * The change that takes another one back, in a text that may have changed since; undefined where what was put in no
 * longer stands, or stands more than once.
 */
export function undoing(text: string, change: TextChange, after: string): TextChange | undefined {
  const { offset, removed, inserted } = change;
  const back = { removed: inserted, inserted: removed };
  if (text === after) return { offset, ...back };
  // An empty insertion stands everywhere.
  const first = inserted === '' ? -1 : text.indexOf(inserted);
  return first >= 0 && first === text.lastIndexOf(inserted) ? { offset: first, ...back } : undefined;
}
