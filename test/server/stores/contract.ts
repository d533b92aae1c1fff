import assert from 'node:assert/strict';
import type { SessionStore } from '../../../src/server/index.ts';

const hour = 60 * 60_000;
const limits = { maxEntries: 100, ttlMs: hour };

/** What every store has to do, as tests. `make` gives an empty one; `pass` lets time go by for it. */
export function isAStore(make: () => Promise<SessionStore>, pass: (ms: number) => Promise<void>): void {
  let store: SessionStore;
  beforeEach(async () => {
    store = await make();
  });
  afterEach(() => store.close());

  it('gives back the last text that was set, as it was', async () => {
    assert.equal(await store.get('key'), undefined);
    await store.set('key', 'a', hour);
    await store.set('key', '{"ü":"☂\\u0000"}\n', hour);
    await store.set('other', '', hour);
    assert.equal(await store.get('key'), '{"ü":"☂\\u0000"}\n');
    assert.equal(await store.get('other'), '');
  });

  it('forgets what was deleted, and what was kept for long enough', async () => {
    await store.set('deleted', 'a', hour);
    await store.delete('deleted');
    await store.delete('never there');
    await store.set('short', 'a', 100);
    await store.set('long', 'a', hour);
    await pass(101);
    assert.deepEqual(
      [await store.get('deleted'), await store.get('short'), await store.get('long')],
      [undefined, undefined, 'a'],
    );
  });

  it('reads the entries of a log after one of them, in order, and no others', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 20; count += 1) {
      ids.push(await store.append('log', `entry ${count}`, limits));
      await store.append('another log', 'x', limits);
    }
    assert.equal(new Set(ids).size, 20);
    for (const id of ids) assert.match(id, /^[\x21-\x7e]+$/);
    const after = await store.readAfter('log', ids[16] ?? '');
    assert.deepEqual(
      after,
      [17, 18, 19].map((count) => ({ id: ids[count], value: `entry ${count}` })),
    );
    assert.deepEqual(await store.readAfter('log', ids[19] ?? ''), []);
  });

  it('says so when the entry is not there: never, of another log, or dropped', async () => {
    const first = await store.append('log', 'first', limits);
    await store.append('another log', 'x', limits);
    for (const id of ['', 'x', '0', '-1', '1e3', `${first}0`]) {
      assert.equal(await store.readAfter('log', id), undefined, id);
    }
    assert.equal(await store.readAfter('another log', first), undefined);
    for (let count = 0; count < 1000; count += 1) await store.append('log', `${count}`, limits);
    assert.equal(await store.readAfter('log', first), undefined);
  });

  it('forgets a log some time after its last entry', async () => {
    const id = await store.append('log', 'a', { maxEntries: 10, ttlMs: 100 });
    await pass(101);
    assert.equal(await store.readAfter('log', id), undefined);
  });
}
