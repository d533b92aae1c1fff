import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { leftOut, leftOutOnNode22, leftOutOnWindows } from '../../scripts/portable-tests.ts';

const root = join(import.meta.dirname, '../..');
const all = { ...leftOut, ...leftOutOnWindows };
const filesOf = (pattern: string) =>
  globSync(pattern, { cwd: root }).filter((file) => file.endsWith('.test.ts'));

describe('the tests that hold on every platform', () => {
  for (const pattern of Object.keys({ ...all, ...leftOutOnNode22 })) {
    it(`leave out ${pattern}, which is there`, () => assert.notDeepEqual(filesOf(pattern), []));
  }

  it('send no signal on Windows that it does not have', () => {
    const left = new Set(Object.keys(all).flatMap(filesOf));
    const signalling = filesOf('test/**/*.test.ts').filter((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      return /['"]SIG(?:STOP|CONT|TERM|INT|HUP)['"]/.test(text) && !/process\.platform/.test(text);
    });
    assert.deepEqual(
      signalling.filter((file) => !left.has(file)),
      [],
    );
  });
});
