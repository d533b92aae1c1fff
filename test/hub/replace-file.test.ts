import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { replaceFile } from '../../src/hub/gateway/replace-file.ts';
import { scratchFolder } from '../support/scratch.ts';

describe('a file that is put in the place of another', () => {
  /** Refuses so many times, as Windows does while somebody reads the old file. */
  function refusing(times: number, code: string) {
    const tries = { count: 0 };
    const move: typeof rename = async (from, to) => {
      tries.count += 1;
      if (tries.count <= times) throw Object.assign(new Error(code), { code });
      await rename(from, to);
    };
    return { move, tries };
  }

  for (const code of ['EPERM', 'EACCES', 'EBUSY']) {
    it(`is there after ${code}, once the old one is let go`, async () => {
      using folder = scratchFolder();
      const [from, to] = [folder.file('new'), folder.file('file')];
      writeFileSync(from, 'new');
      writeFileSync(to, 'old');
      const { move, tries } = refusing(9, code);
      await replaceFile(from, to, move);
      assert.equal(readFileSync(to, 'utf8'), 'new');
      assert.equal(tries.count, 10);
    });
  }

  it('is given up after ten tries, and at once for any other reason', async () => {
    using folder = scratchFolder();
    const held = refusing(10, 'EBUSY');
    await assert.rejects(replaceFile(folder.file('a'), folder.file('b'), held.move), { code: 'EBUSY' });
    assert.equal(held.tries.count, 10);
    const full = refusing(10, 'ENOSPC');
    await assert.rejects(replaceFile(folder.file('a'), folder.file('b'), full.move), { code: 'ENOSPC' });
    assert.equal(full.tries.count, 1);
  });
});
