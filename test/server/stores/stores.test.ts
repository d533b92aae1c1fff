import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isResilientMcpError, MemoryStore, SqliteStore } from '../../../src/server/index.ts';
import { isAStore } from './contract.ts';

const hour = 60 * 60_000;
let time = 1_000_000;
const now = () => time;
const pass = async (ms: number) => {
  time += ms;
};

describe('the store in memory', () => {
  isAStore(async () => new MemoryStore({ now }), pass);

  it('keeps no more than maxKeys keys and maxLogs logs, the oldest going first', async () => {
    const store = new MemoryStore({ now, maxKeys: 2, maxLogs: 2 });
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      await store.set(name, name, hour);
      ids.push(await store.append(name, name, { maxEntries: 1, ttlMs: hour }));
    }
    assert.deepEqual([await store.get('a'), await store.get('b')], [undefined, 'b']);
    assert.deepEqual(
      [await store.readAfter('a', ids[0] ?? ''), await store.readAfter('b', ids[1] ?? '')],
      [undefined, []],
    );
  });

  it('keeps no more than maxLogLength characters of logs, whole logs going first and then the oldest entries', async () => {
    const store = new MemoryStore({ now, maxLogLength: 10 });
    const limits = { maxEntries: 9, ttlMs: hour };
    const idle = await store.append('idle', 'xxxx', limits);
    const first = await store.append('busy', 'aaaa', limits);
    assert.deepEqual(await store.readAfter('idle', idle), []);
    const second = await store.append('busy', 'bbbb', limits);
    assert.equal(await store.readAfter('idle', idle), undefined);
    assert.deepEqual(await store.readAfter('busy', first), [{ id: second, value: 'bbbb' }]);
    await store.append('busy', 'cccc', limits);
    assert.equal(await store.readAfter('busy', first), undefined);
    assert.equal((await store.readAfter('busy', second))?.length, 1);
    // One that is over the limit alone is kept: it is the answer that somebody waits for.
    const huge = await store.append('busy', 'd'.repeat(20), limits);
    assert.deepEqual(await store.readAfter('busy', huge), []);
    assert.equal(await store.readAfter('busy', second), undefined);
  });
});

describe('the store in a file', () => {
  let folder = '';
  let file = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'session-store-'));
    file = join(folder, 'sessions.db');
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  isAStore(async () => new SqliteStore({ file, now }), pass);

  const onPosix = process.platform === 'win32' ? it.skip : it;
  const refused = (words: RegExp) =>
    assert.throws(
      () => new SqliteStore({ file, now }),
      (error: Error) => {
        assert.match(error.message, words);
        return isResilientMcpError(error, 'INVALID_CONFIGURATION');
      },
    );

  onPosix('is its owner alone to read, with all that SQLite puts beside it (issue 14, §6)', async () => {
    const before = process.umask(0);
    try {
      const store = new SqliteStore({ file, now });
      await store.set('a', 'b', hour);
      const files = readdirSync(folder);
      assert.ok(files.includes('sessions.db-wal'), files.join());
      for (const each of files) assert.equal(statSync(join(folder, each)).mode & 0o777, 0o600, each);
      await store.close();
    } finally {
      process.umask(before);
    }
  });

  onPosix(
    'is refused where others can read it, or what is beside it, or may write to its folder',
    async () => {
      file = join(folder, 'another.db');
      await new SqliteStore({ file, now }).close();
      chmodSync(file, 0o644);
      refused(/another\.db can be read by other users/);
      chmodSync(file, 0o600);
      writeFileSync(`${file}-wal`, '');
      chmodSync(`${file}-wal`, 0o644);
      refused(/another\.db-wal can be read by other users/);
      rmSync(`${file}-wal`);
      chmodSync(folder, 0o777);
      refused(/in a folder to which other users may write/);
      chmodSync(folder, 0o700);
      await new SqliteStore({ file, now }).close();
    },
  );

  it('wants a path: an address would be a file of another name', () => {
    file = `file:${file}`;
    refused(/wants a path/);
  });

  it('has everything for the next process, names of entries included', async () => {
    const first = new SqliteStore({ file, now });
    await first.set('key', 'value', hour);
    const ids = [];
    for (const entry of ['a', 'b'])
      ids.push(await first.append('log', entry, { maxEntries: 9, ttlMs: hour }));
    await first.close();
    const second = new SqliteStore({ file, now });
    assert.equal(await second.get('key'), 'value');
    assert.deepEqual(await second.readAfter('log', ids[0] ?? ''), [{ id: ids[1], value: 'b' }]);
    await second.close();
  });

  it('keeps about maxRows keys, those that end first going first', async () => {
    const store = new SqliteStore({ file, now, maxRows: 10 });
    for (let count = 0; count < 1002; count += 1) await store.set(`key ${count}`, 'x', hour + count);
    const kept = await Promise.all(Array.from({ length: 1002 }, (_, count) => store.get(`key ${count}`)));
    assert.ok(kept.filter((value) => value !== undefined).length < 20);
    assert.equal(kept.at(-1), 'x');
    await store.close();
  });

  it('says which file cannot be used, and why', () => {
    assert.throws(
      () => new SqliteStore({ file: join(folder, 'no', 'folder', 'x.db') }),
      (error: Error) => isResilientMcpError(error, 'INVALID_CONFIGURATION') && error.message.includes('x.db'),
    );
  });
});
