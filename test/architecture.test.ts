import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { build } from 'esbuild';
import { type Exceptions, edgesOf, lineCeiling, violations } from './architecture/rules.ts';
import { readSourceFile, type SourceFile } from './architecture/source-file.ts';

const root = join(import.meta.dirname, '..');
const none: Exceptions = { node: {}, platform: {} };

const sourceFiles = () => readTree('src/**/*.ts');

async function readTree(pattern: string): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for await (const name of glob(pattern, { cwd: root })) {
    files.push(readSourceFile(name.split(sep).join('/'), await readFile(join(root, name), 'utf8')));
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

describe('the architecture', () => {
  it('has no arrow that points outward, no cycle, and takes from the platform only where it may', async () => {
    const found = violations(await sourceFiles());
    assert.deepEqual(found, [], `\n${found.join('\n')}\n`);
  });

  it('is read completely: the bundler finds no import that this check does not', async () => {
    const files = await sourceFiles();
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: files.map(({ path }) => path),
      outdir: 'not-written',
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      external: ['vscode'],
      write: false,
      metafile: true,
      logLevel: 'silent',
    });
    const seen = new Set(files.flatMap((file) => edgesOf(file).map((target) => `${file.path} -> ${target}`)));
    const bundled = Object.entries(metafile.inputs).flatMap(([path, { imports }]) =>
      imports.filter(({ external }) => !external).map((target) => `${path} -> ${toRoot(target.path)}`),
    );
    assert.deepEqual(
      bundled.filter((edge) => !seen.has(edge)),
      [],
    );
    assert.ok(files.length > 10 && bundled.length > 10, `${files.length} files, ${bundled.length} imports`);
  });
});

function toRoot(path: string): string {
  return relative(root, join(root, path)).split(sep).join('/');
}

describe('the folders beside src/', () => {
  /** Who may import whom. An example is read by strangers, and runs without the tests. */
  const mayImport: Readonly<Record<string, readonly string[]>> = {
    harness: [],
    examples: ['harness', 'src'],
    scripts: ['harness', 'src'],
  };

  for (const [folder, allowed] of Object.entries(mayImport)) {
    it(`${folder}/ imports from ${['itself', ...allowed].join(', ')} alone`, async () => {
      const files = await readTree(`${folder}/**/*.ts`);
      const targets = files.flatMap((file) => edgesOf(file).map((target) => `${file.path} -> ${target}`));
      const isForeign = (arrow: string) =>
        ![folder, ...allowed].some((known) => arrow.includes(` -> ${known}/`));
      assert.deepEqual(targets.filter(isForeign), []);
      assert.ok(files.length > 0);
    });
  }

  it('the tests take their helpers from harness/, not from an example', async () => {
    const files = await readTree('test/support/**/*.ts');
    const targets = files.flatMap((file) => edgesOf(file).map((target) => `${file.path} -> ${target}`));
    assert.deepEqual(
      targets.filter((arrow) => arrow.includes(' -> examples/')),
      [],
    );
  });
});

describe('the architecture check', () => {
  /** A source tree in memory. */
  function check(tree: Record<string, string>, exceptions = none): string[] {
    return violations(
      Object.entries(tree).map(([path, text]) => readSourceFile(path, text)),
      exceptions,
    );
  }

  it('accepts arrows that point inward', () => {
    const found = check({
      'src/protocol/message.ts': 'export const a = 1;',
      'src/client/wire.ts': "import { a } from '../protocol/message.ts'; export const b = a;",
      'src/server/session.ts': "export { a } from '../protocol/message.ts';",
      'src/hub/hub.ts': "import { b } from '../client/wire.ts'; export const c = b;",
      'src/cli/gateway.ts': "import '../server/session.ts'; import '../hub/hub.ts'; import 'node:http';",
      'src/vscode/log.ts': "import 'vscode'; import '../hub/hub.ts'; setTimeout(fetch, Date.now());",
      'src/extension.ts': "import 'vscode'; import './vscode/log.ts';",
    });
    assert.deepEqual(found, []);
  });

  const inner = 'src/client/inner.ts';
  const outer = 'src/hub/outer.ts';
  const waysToImport = {
    'an import': "import { x } from '../hub/outer.ts'; x();",
    'an import for its effect': "import '../hub/outer.ts';",
    'a type-only import': "import type { X } from '../hub/outer.ts'; export type Y = X;",
    'a re-export': "export { x } from '../hub/outer.ts';",
    'a re-export of everything': "export * from '../hub/outer.ts';",
    'a dynamic import': "export const load = () => import('../hub/outer.ts');",
    'a type by import()': "export type Y = import('../hub/outer.ts').X;",
    'a require': "export const x = require('../hub/outer.ts');",
  };
  for (const [way, text] of Object.entries(waysToImport)) {
    it(`names an arrow that points outward by ${way}`, () => {
      const found = check({ [inner]: text, [outer]: 'export type X = 1; export const x = () => 1;' });
      assert.deepEqual(found, [`${inner} -> ${outer}: client may not know hub`]);
    });
  }

  it('keeps the two sides of the wire apart', () => {
    const found = check({
      'src/client/a.ts': "import '../server/b.ts';",
      'src/server/b.ts': '',
      'src/server/c.ts': "import '../client/d.ts';",
      'src/client/d.ts': '',
    });
    assert.deepEqual(found, [
      'src/client/a.ts -> src/server/b.ts: client may not know server',
      'src/server/c.ts -> src/client/d.ts: server may not know client',
    ]);
  });

  it('refuses the editor outside the editor ring', () => {
    const found = check({ 'src/hub/a.ts': "\nimport type { Uri } from 'vscode'; export type A = Uri;" });
    assert.deepEqual(found, [
      'src/hub/a.ts:2 -> vscode: only src/vscode and src/extension.ts may import the editor',
    ]);
  });

  it('refuses node: modules in the portable rings, but for the named exceptions', () => {
    const tree = { 'src/client/a.ts': "import { join } from 'node:path'; join();" };
    assert.deepEqual(check(tree), ['src/client/a.ts:1 -> node:path: client runs on any platform with fetch']);
    assert.deepEqual(check(tree, { ...none, node: { 'src/client/': 'a reason' } }), []);
  });

  const usesOfThePlatform = {
    fetch: "const answer = fetch('/');",
    setTimeout: 'const timer = globalThis.setTimeout(() => {}, 1);',
    'Date.now': 'const clock = { now: Date.now };',
    'new Date': 'const day = new Date().getDay();',
    'Math.random': "const dice = Math['random']() as number;",
    'AbortSignal.timeout': 'const signal = AbortSignal.timeout(1)!;',
    'crypto.randomUUID': 'const id = globalThis.crypto.randomUUID();',
  };
  for (const [name, text] of Object.entries(usesOfThePlatform)) {
    it(`refuses ${name} below the edge: ${text}`, () => {
      const tree = { 'src/hub/a.ts': `${text}` };
      assert.deepEqual(check(tree), [`src/hub/a.ts:1: ${name} has to be handed in below the edge`]);
      assert.deepEqual(check(tree, { ...none, platform: { 'src/hub/a.ts': 'a reason' } }), []);
    });
  }

  const notThePlatform = [
    'export const send = (fetch: (u: string) => void) => fetch("/");',
    'export function f({ fetch, a: { setTimeout } }: Any) { return () => fetch(setTimeout); }',
    "import { fetch } from 'x'; fetch();",
    'export class A { fetch() { return this.fetch(); } }',
    'export type F = typeof fetch; export interface B { fetch: F; now(): typeof Date.now }',
    'export const at = new Date(0), made = { fetch: 1 }; // not setTimeout() or Date.now()',
    'try { x(); } catch (fetch) { fetch(); }',
    'for (const fetch of []) { fetch(); }',
  ];
  for (const text of notThePlatform) {
    it(`leaves in peace: ${text}`, () => assert.deepEqual(check({ 'src/client/a.ts': text }), []));
  }

  it('sees the global again where the local of its name has ended', () => {
    const text = '{ const fetch = 1; use(fetch); }\nfetch("/");';
    const found = check({ 'src/client/a.ts': text });
    assert.deepEqual(found, ['src/client/a.ts:2: fetch has to be handed in below the edge']);
  });

  it('names an import cycle once, by its shortest way', () => {
    const found = check({
      'src/client/a.ts': "import './b.ts';",
      'src/client/b.ts': "import './c.ts'; import type {} from './a.ts';",
      'src/client/c.ts': "import './b.ts';",
    });
    assert.deepEqual(found, [
      'src/client/a.ts -> src/client/b.ts -> src/client/a.ts: an import cycle',
      'src/client/b.ts -> src/client/c.ts -> src/client/b.ts: an import cycle',
    ]);
  });

  it('refuses a file that is too long', () => {
    const found = check({ 'src/client/a.ts': 'x;\n'.repeat(lineCeiling + 1) });
    assert.deepEqual(found, [`src/client/a.ts: ${lineCeiling + 1} lines, over ${lineCeiling}`]);
    assert.deepEqual(check({ 'src/client/a.ts': 'x;\n'.repeat(lineCeiling) }), []);
  });

  it('refuses a folder that is no ring, an import of what is not in src, and a stale exception', () => {
    const found = check(
      { 'src/utils/a.ts': '', 'src/client/b.ts': "import '../../test/c.ts';" },
      { ...none, node: { 'src/client/gone.ts': 'a reason' } },
    );
    assert.deepEqual(found, [
      'src/utils/a.ts: src/ has no such ring',
      'src/client/b.ts -> test/c.ts: no such file in src/',
      'src/client/gone.ts: an exception for a file that does not exist',
    ]);
  });
});
