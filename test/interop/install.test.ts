import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchFolder } from '../support/scratch.ts';
import { type Installation, installed, missingProgram } from './install.ts';

/** Installs a file, and counts how often; `fails` says whether it breaks off after having written it. */
function counted(inputs: readonly string[], fails: () => boolean = () => false) {
  let installs = 0;
  let refreshes = 0;
  const installation: Installation = {
    inputs,
    async install(folder) {
      installs++;
      assert.ok(!existsSync(join(folder, 'package')), 'the folder is empty');
      writeFileSync(join(folder, 'package'), '');
      if (fails()) throw new Error('broken off');
    },
    refresh: () => void refreshes++,
  };
  return { installation, figures: () => [installs, refreshes] };
}

describe('the installing of servers', () => {
  const before = process.env.INTEROP_CACHE;
  let scratch: ReturnType<typeof scratchFolder>;

  beforeEach(() => {
    scratch = scratchFolder();
    process.env.INTEROP_CACHE = scratch.path;
  });

  afterEach(() => {
    scratch[Symbol.dispose]();
    if (before === undefined) delete process.env.INTEROP_CACHE;
    else process.env.INTEROP_CACHE = before;
  });

  it('is done once for the same inputs, in the cache, and refreshed each time', async () => {
    const { installation, figures } = counted(['a@1']);
    const folder = await installed('one', installation);
    assert.ok(folder.startsWith(scratch.path));
    assert.equal(await installed('one', installation), folder);
    assert.deepEqual(figures(), [1, 2]);
  });

  it('is done anew for other inputs', async () => {
    const first = await installed('one', counted(['a@1']).installation);
    const second = await installed('one', counted(['a@2']).installation);
    assert.notEqual(first, second);
  });

  it('is done anew after it was broken off', async () => {
    let fails = true;
    const { installation, figures } = counted(['a@1'], () => fails);
    await assert.rejects(installed('one', installation), /broken off/);
    fails = false;
    await installed('one', installation);
    assert.deepEqual(figures(), [2, 1]);
  });

  it('names the first program that is missing', () => {
    const path = process.env.PATH;
    writeFileSync(join(scratch.path, 'there'), '', { mode: 0o755 });
    writeFileSync(join(scratch.path, 'unfit'), '', { mode: 0o644 });
    try {
      process.env.PATH = scratch.path;
      assert.equal(missingProgram(['there']), undefined);
      assert.equal(missingProgram(['there', 'unfit', 'absent']), 'unfit');
    } finally {
      process.env.PATH = path;
    }
  });
});
