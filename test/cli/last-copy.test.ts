import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { LastCopy } from '../../src/cli/attach/last-copy.ts';
import type { Request } from '../../src/protocol/message.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

const list = (cursor?: string): Request => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/list',
  ...(cursor !== undefined && { params: { cursor } }),
});
const initialize = (protocolVersion: string): Request => ({
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion },
});
const tools = (...names: string[]) => ({ tools: names.map((name) => ({ name })) });

describe('the last copy of what a server has said', () => {
  let folder: ScratchFolder;
  let file: string;

  beforeEach(() => {
    folder = scratchFolder();
    file = folder.file('windows/w1.a.lists');
  });

  afterEach(() => folder[Symbol.dispose]());

  it('is there for the next process, page by page, and nothing is there of what was never asked', () => {
    const copy = new LastCopy(file);
    copy.keep(list(), { ...tools('a'), nextCursor: '2' }, 'notes');
    copy.keep(list('2'), tools('b'), 'notes');
    const later = new LastCopy(file);
    assert.deepEqual(later.answerTo(list()), { ...tools('a'), nextCursor: '2' });
    assert.deepEqual(later.answerTo(list('2')), tools('b'));
    assert.equal(later.workspace, 'notes');
    assert.equal(later.answerTo({ ...list(), method: 'prompts/list' }), undefined);
  });

  it('forgets the pages that followed another first page', () => {
    const copy = new LastCopy(file);
    copy.keep(list(), { ...tools('a'), nextCursor: '2' }, undefined);
    copy.keep(list('2'), tools('b'), undefined);
    copy.keep(list(), tools('c'), undefined);
    assert.equal(new LastCopy(file).answerTo(list('2')), undefined);
  });

  it('answers a handshake only in the revision that was asked for', () => {
    const copy = new LastCopy(file);
    copy.keep(initialize('2025-11-25'), { protocolVersion: '2025-11-25' }, undefined);
    assert.deepEqual(copy.answerTo(initialize('2025-11-25')), { protocolVersion: '2025-11-25' });
    assert.equal(copy.answerTo(initialize('2025-06-18')), undefined);
  });

  it('keeps no answers of other requests', () => {
    new LastCopy(file).keep({ ...list(), method: 'tools/call' }, tools('a'), undefined);
    assert.ok(!existsSync(file));
  });

  it('is written only when it has changed', () => {
    new LastCopy(file).keep(list(), tools('a'), undefined);
    const { ino } = statSync(file);
    new LastCopy(file).keep(list(), tools('a'), undefined);
    assert.equal(statSync(file).ino, ino);
  });

  it('counts as looked at when it is read', () => {
    new LastCopy(file).keep(list(), tools('a'), undefined);
    const long = new Date(1_000_000);
    utimesSync(file, long, long);
    new LastCopy(file).answerTo(list());
    assert.ok(statSync(file).mtimeMs > 1_000_000_000);
  });

  it('holds 4 MiB at most: what is more is good for this process alone', () => {
    const copy = new LastCopy(file);
    copy.keep(list(), tools('a'), undefined);
    copy.keep(list(), tools('x'.repeat(4 * 1024 * 1024)), undefined);
    assert.ok(Array.isArray(copy.answerTo(list())?.tools));
    assert.deepEqual(new LastCopy(file).answerTo(list()), tools('a'));
  });

  it('is not read where others can write to it, or when it is something else', function () {
    new LastCopy(file).keep(list(), tools('a'), undefined);
    for (const text of ['', 'null', '[]', '{"form":2,"lists":{}}', '{"form":1,"lists":null}']) {
      writeFileSync(file, text);
      assert.equal(new LastCopy(file).answerTo(list()), undefined, text);
    }
    if (process.platform === 'win32') this.skip();
    new LastCopy(file).keep(list(), tools('a'), undefined);
    chmodSync(file, 0o666);
    assert.equal(new LastCopy(file).answerTo(list()), undefined);
  });

  it('leaves nothing behind where it cannot be written', () => {
    new LastCopy(folder.file('windows/w1')).keep(list(), tools('a'), undefined);
    new LastCopy(folder.file('windows/w1/none/a.lists')).keep(list(), tools('a'), undefined);
    assert.deepEqual(readdirSync(dirname(file)), ['w1']);
  });
});
