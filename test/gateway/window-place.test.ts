import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import {
  parseWindowFile,
  type WindowFile,
  windowFileOf,
  windowFileText,
} from '../../src/hub/gateway/window-file.ts';
import { WindowPlace } from '../../src/hub/gateway/window-place.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

const DAY_MS = 24 * 60 * 60_000;

describe('the file by which the gateway of a window is found', () => {
  let folder: ScratchFolder;
  let stem: string;

  beforeEach(() => {
    folder = scratchFolder();
    stem = folder.file('windows/w1');
  });

  afterEach(() => folder[Symbol.dispose]());

  const file = (pid: number): WindowFile => ({
    pid,
    port: 4747,
    proofKey: 'k',
    token: 't',
    passingToken: 'p',
    workspace: 'notes',
  });
  const names = () => readdirSync(dirname(stem)).sort();
  const read = (path = windowFileOf(stem)) => parseWindowFile(readFileSync(path, 'utf8'));

  /** Of a process that has ended. */
  function gone(): number {
    return spawnSync(process.execPath, ['-e', '']).pid;
  }

  it('says what it was told, and nothing of anything else', async () => {
    await new WindowPlace(stem).tell(file(process.pid));
    assert.deepEqual(read(), file(process.pid));
    const whole = { form: 1, ...file(1) };
    const others = ['', '[]', 'null', '{"form":1}', JSON.stringify({ ...whole, form: 2 })];
    for (const text of [
      ...others,
      JSON.stringify({ ...whole, port: '1' }),
      JSON.stringify({ ...whole, token: 1 }),
      JSON.stringify({ ...whole, proofKey: undefined }),
    ]) {
      assert.equal(parseWindowFile(text), undefined, text);
    }
  });

  it('takes the place of that of a window that was killed', async () => {
    await new WindowPlace(stem).tell(file(gone()));
    await new WindowPlace(stem).tell(file(process.pid));
    assert.deepEqual(names(), ['w1.json']);
    assert.equal(read()?.pid, process.pid);
  });

  it('stands beside that of another window of the same workspace, and goes alone', async () => {
    const [first, second] = [new WindowPlace(stem), new WindowPlace(stem)];
    await first.tell(file(1));
    await second.tell(file(process.pid));
    assert.deepEqual(names(), [`w1.${process.pid}.json`, 'w1.json'].sort());
    await second.forget();
    await second.forget();
    assert.deepEqual(names(), ['w1.json']);
    assert.equal(read()?.pid, 1);
  });

  it('is written in place of whatever somebody has put there', async function () {
    if (process.platform === 'win32') this.skip(); // a link needs a right there
    mkdirSync(dirname(stem));
    writeFileSync(folder.file('elsewhere'), 'of somebody else');
    symlinkSync(folder.file('elsewhere'), windowFileOf(stem));
    await new WindowPlace(stem).tell(file(process.pid));
    assert.equal(readFileSync(folder.file('elsewhere'), 'utf8'), 'of somebody else');
    assert.deepEqual(read(), file(process.pid));
  });

  it('is not written where the folder cannot be kept to oneself', async function () {
    if (process.platform === 'win32' || process.getuid?.() === 0) this.skip(); // who is root may do all
    mkdirSync(dirname(stem));
    chmodSync(dirname(stem), 0o500);
    await assert.rejects(new WindowPlace(stem).tell(file(process.pid)));
  });

  it('is taken away for another when its process is gone, and with it what nobody has looked at for 30 days', async () => {
    const place = new WindowPlace(stem);
    await place.tell(file(process.pid));
    const dead = gone();
    writeFileSync(windowFileOf(stem, dead), windowFileText(file(dead)));
    writeFileSync(`${stem}.a.lists`, '{}');
    writeFileSync(`${stem}.b.lists`, '{}');
    const now = Date.now();
    const old = new Date(now - 31 * DAY_MS);
    utimesSync(`${stem}.b.lists`, old, old);
    await place.forgetOld(now);
    assert.deepEqual(names(), ['w1.a.lists', 'w1.json']);
  });
});
