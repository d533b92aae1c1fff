import assert from 'node:assert/strict';
import { listPages, MAX_LIST_PAGES } from '../../src/protocol/list-pages.ts';

interface Page {
  readonly nextCursor?: unknown;
}

/** Asks for pages that say what comes next, and notes with which cursors it was asked. */
async function walk(pageOf: (asked: number) => Page, maxPages?: number) {
  const cursors: (string | undefined)[] = [];
  const ask = async (cursor: string | undefined) => pageOf(cursors.push(cursor));
  const { pages, isWhole } = await listPages(ask, ({ nextCursor }) => nextCursor, maxPages);
  return { cursors, pages: pages.length, isWhole };
}

describe('the pages of a list', () => {
  it('are asked for up to the one without a cursor', async () => {
    const walked = await walk((asked) => (asked < 3 ? { nextCursor: `${asked}` } : {}));
    assert.deepEqual(walked, { cursors: [undefined, '1', '2'], pages: 3, isWhole: true });
  });

  it('end where a server answers with the cursor it was asked with', async () => {
    const walked = await walk(() => ({ nextCursor: 'again' }));
    assert.deepEqual(walked, { cursors: [undefined, 'again'], pages: 2, isWhole: false });
  });

  it('end at a bound, and say that there are more', async () => {
    const endless = (asked: number) => ({ nextCursor: `${asked}` });
    assert.deepEqual(await walk(endless, 2), { cursors: [undefined, '1'], pages: 2, isWhole: false });
    assert.equal((await walk(endless)).pages, MAX_LIST_PAGES);
  });

  it('end at a cursor that is no text', async () => {
    assert.equal((await walk(() => ({ nextCursor: null }))).isWhole, true);
  });
});
