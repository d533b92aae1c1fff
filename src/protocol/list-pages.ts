/** Pages of one list that are asked for; a server need not come to an end. */
export const MAX_LIST_PAGES = 100;

/** The pages of a list. */
export interface ListPages<Page> {
  readonly pages: readonly Page[];
  /** Whether the server says that these are all. */
  readonly isWhole: boolean;
}

/**
 * Asks for a list page by page, up to its end or {@link MAX_LIST_PAGES}.
 * @param nextCursor the cursor in a page; anything but a text ends the list
 * @throws what `ask` throws
 */
export async function listPages<Page>(
  ask: (cursor: string | undefined) => Promise<Page>,
  nextCursor: (page: Page) => unknown,
  maxPages = MAX_LIST_PAGES,
): Promise<ListPages<Page>> {
  const pages: Page[] = [];
  let cursor: string | undefined;
  while (pages.length < maxPages) {
    const page = await ask(cursor);
    pages.push(page);
    const next = nextCursor(page);
    if (typeof next !== 'string') return { pages, isWhole: true };
    // A server that answers with the cursor it was asked with would be listed for ever.
    if (next === cursor) break;
    cursor = next;
  }
  return { pages, isWhole: false };
}
