import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchFolder } from '../support/scratch.ts';

const root = join(import.meta.dirname, '../..');

const source = `afterEach(function () { console.log('ran: ' + this.currentTest.fullTitle()); });
describe('a door (red)', () => {
  it('opens', () => {
    void 0;
  });

  for (const key of ['left', 'right']) {
    it(\`takes a \${key} key\`, () => {});
  }

  describe('when locked', () => {
    before(() => {});
    it("doesn't open", () => {});
  });
});
describe('a window', () => it('opens', () => {}));
`;

const opens = 'a door (red) opens';
const keys = ['a door (red) takes a left key', 'a door (red) takes a right key'];
const locked = "a door (red) when locked doesn't open";
const window = 'a window opens';

describe('the test at the cursor', () => {
  /** The full titles of what ran for a line, counted from 1. */
  function ran(line?: number): string[] {
    using folder = scratchFolder();
    const file = folder.file('door.test.ts');
    writeFileSync(file, source);
    const args = ['scripts/test-at.ts', file, ...(line === undefined ? [] : [String(line)])];
    const { TEST_FIGURES: _, ...env } = process.env;
    const told = execFileSync(process.execPath, args, { cwd: root, env, encoding: 'utf8' });
    return [...told.matchAll(/^ran: (.+)$/gm)].map(([, title]) => title ?? '');
  }

  const chosen: Readonly<Record<string, readonly [number | undefined, readonly string[]]>> = {
    'one test, from any line of it': [4, [opens]],
    'all tests of a title with a placeholder': [8, keys],
    'all tests of the block, at a line between tests': [6, [opens, ...keys, locked]],
    'all tests of the inner block, at a hook of it': [12, [locked]],
    'a test whose title holds a quotation mark': [13, [locked]],
    'a test on one line with its block': [16, [window]],
    'every test of the file, outside of all blocks': [1, [opens, ...keys, locked, window]],
    'every test of the file, without a line': [undefined, [opens, ...keys, locked, window]],
  };
  for (const [what, [line, titles]] of Object.entries(chosen)) {
    it(`is ${what}`, () => assert.deepEqual(ran(line), titles));
  }
});
