import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { treeKiller } from '../../src/processes/windows.ts';
import { scratchFolder } from '../support/scratch.ts';

const crossSpawn = join(import.meta.dirname, '../../node_modules/cross-spawn/index.js');

/** How Windows would start a program: what it is given as its command and as one line of arguments. */
interface Start {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * Asks cross-spawn for command lines in a process that takes itself for one on Windows, with `tool.exe`, `tool.cmd` and a
 * shim of npm's in its PATH. No Windows is needed to read what comes of it.
 */
function starts(folder: string, programs: readonly (readonly [string, readonly string[]])[]): Start[] {
  const script = `
    Object.defineProperty(process, 'platform', { value: 'win32' });
    process.env.PATHEXT = '.com;.exe;.bat;.cmd';
    process.env.comspec = 'C:\\\\Windows\\\\System32\\\\cmd.exe';
    const spawn = require(${JSON.stringify(crossSpawn)});
    const env = { ...process.env, PATH: process.argv[1] };
    const programs = JSON.parse(require('fs').readFileSync(0, 'utf8'));
    const found = programs.map(([command, args]) => spawn._parse(command, args, { env, cwd: process.argv[2] }));
    console.log(JSON.stringify(found.map(({ command, args }) => ({ command, args }))));`;
  const path = [folder, join(folder, 'node_modules/.bin')].join(';');
  const told = execFileSync(process.execPath, ['-e', script, path, join(folder, 'work')], {
    input: JSON.stringify(programs),
    encoding: 'utf8',
  });
  return JSON.parse(told);
}

/** What `cmd.exe` makes of a line: a caret outside of quotation marks takes the meaning from what follows. */
function read(line: string): string {
  let text = '';
  let isQuoted = false;
  for (let at = 0; at < line.length; at++) {
    const character = line[at] ?? '';
    if (character === '^' && !isQuoted) {
      text += line[++at] ?? '';
      continue;
    }
    if (character === '"') isQuoted = !isQuoted;
    assert.ok(isQuoted || !'&|<>'.includes(character), `"${character}" would begin another command: ${line}`);
    text += character;
  }
  return text;
}

/** What a program finds in its argv: backslashes count only before a quotation mark (CommandLineToArgvW). */
function argv(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let isQuoted = false;
  for (const [, backslashes = '', character = ''] of line.matchAll(/(\\*)([^\\]?)/g)) {
    const isLiteral = character !== '"' || backslashes.length % 2 === 1;
    const kept = character === '"' ? Math.floor(backslashes.length / 2) : backslashes.length;
    if (kept > 0) word = (word ?? '') + '\\'.repeat(kept);
    if (!isLiteral) {
      isQuoted = !isQuoted;
      word ??= '';
    } else if (/\s/.test(character) && !isQuoted) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character) word = (word ?? '') + character;
  }
  return word === undefined ? words : [...words, word];
}

/** The arguments with which a program is at last started. A batch file reads what it passes on once more. */
function received({ command, args }: Start, isShim: boolean): string[] {
  assert.match(command, /cmd\.exe$/);
  const [d, s, c, line = ''] = args;
  assert.deepEqual([d, s, c], ['/d', '/s', '/c']);
  const once = read(line.slice(1, -1));
  const [, ...given] = argv(isShim ? read(once) : once);
  return given;
}

const plain = [
  '-y',
  '@scope/server@1.2.3',
  'C:\\Program Files\\data\\',
  'two words',
  '',
  'a&b|c<d>e^f%PATH%!g!',
  '(x)',
];

/** What cross-spawn 7.0.6 quotes wrongly for a batch file: docs/platforms.md says so. */
const misread = /\\\\(?:"|$)/;

describe('a program on Windows', () => {
  using folder = scratchFolder();
  for (const name of ['tool.exe', 'batch.cmd', 'node_modules/.bin/shim.cmd', 'work/here.txt']) {
    mkdirSync(dirname(folder.file(name)), { recursive: true });
    writeFileSync(folder.file(name), '');
  }
  const quoted = [...plain, '{"a": "b & c"}', 'ends with \\"', '\\\\server\\share'];
  const text = fc
    .string({ unit: fc.constantFrom(...'ab "\\&|<>^%!()') })
    .filter((argument) => !misread.test(argument));
  const samples = fc.sample(fc.array(text, { minLength: 1, maxLength: 4 }), { numRuns: 200, seed: 15 });
  const lists = [quoted, ...samples];
  const all = starts(folder.path, [
    ['tool', quoted],
    ['batch', plain],
    ['batch', ['C:\\data\\\\']],
    ['batch', ['a "b & c"']],
    ...lists.map((list) => ['shim', list] as const),
  ]);
  const [asProgram, asBatch, asMisread, asRisky, ...asShim] = all;

  it('that is an .exe is started by itself, with its arguments as they are', () => {
    assert.deepEqual(asProgram, { command: 'tool', args: quoted });
  });

  it('that is a batch file gets each argument whole, and none becomes a command of its own', () => {
    assert.deepEqual(received(asBatch ?? assert.fail(), false), plain);
  });

  it('that npm has put into node_modules/.bin gets any text whole, though it is read twice on the way', () => {
    for (const [index, list] of lists.entries()) {
      assert.deepEqual(received(asShim[index] ?? assert.fail(), true), list, JSON.stringify(list));
    }
  });

  it('that is a batch file does not yet get an argument whole that ends with two backslashes', () => {
    assert.notDeepEqual(received(asMisread ?? assert.fail(), false), ['C:\\data\\\\']);
  });

  it('that is a batch file elsewhere, such as npx.cmd, reads a quotation mark beside a & as another command', () => {
    assert.throws(() => received(asRisky ?? assert.fail(), true), /"&" would begin another command/);
  });

  it('is ended with all that it has started by the system’s own program, wherever we are', () => {
    const args = ['/pid', '42', '/t', '/f'];
    assert.deepEqual(treeKiller(42, { SYSTEMROOT: 'D:\\Win' }), ['D:\\Win\\System32\\taskkill.exe', args]);
    assert.deepEqual(treeKiller(42, { SystemRoot: 'C:\\W' }), ['C:\\W\\System32\\taskkill.exe', args]);
    assert.deepEqual(treeKiller(42, {}), ['C:\\Windows\\System32\\taskkill.exe', args]);
  });
});
