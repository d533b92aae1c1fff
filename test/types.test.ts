import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { scratchFolder } from './support/scratch.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');

/** One global of each platform. */
const globals = {
  browser: 'void document.title;',
  node: 'void process.pid;',
  mocha: "describe('a block', () => {});",
};

describe('the types of a floor', () => {
  /** The globals that a file below a tsconfig.json may use. */
  async function known(config: string): Promise<string[]> {
    using folder = scratchFolder();
    for (const [name, text] of Object.entries(globals)) writeFileSync(folder.file(`${name}.ts`), text);
    const compilerOptions = {
      composite: false,
      emitDeclarationOnly: false,
      noEmit: true,
      isolatedModules: false,
      rootDir: folder.path,
      typeRoots: [join(root, 'node_modules/@types')],
    };
    const files = Object.keys(globals).map((name) => `${name}.ts`);
    const own = { extends: join(root, config), compilerOptions, include: [], files, references: [] };
    writeFileSync(folder.file('tsconfig.json'), JSON.stringify(own));
    const { stdout } = await run(process.execPath, [compiler, '-p', '.', '--pretty', 'false'], {
      cwd: folder.path,
    }).catch((error: { stdout: string }) => error);
    const strange = [
      ...stdout.matchAll(/^(\w+)\.ts\(\d+,\d+\): error TS(?:2304|2580|2582|2584|2591|2593):/gm),
    ];
    const lines = stdout.split('\n').filter((line) => line.includes('error'));
    assert.equal(strange.length, lines.length, stdout);
    const unknown = strange.map(([, name]) => name);
    return Object.keys(globals).filter((name) => !unknown.includes(name));
  }

  const floors = {
    'src/tsconfig.json': ['node'],
    'src/webview/tsconfig.json': ['browser'],
    'tsconfig.tools.json': ['node'],
    'test/tsconfig.json': ['browser', 'node', 'mocha'],
  };
  for (const [config, platforms] of Object.entries(floors)) {
    it(`are of ${platforms.join(', ')} alone in ${config}`, async function () {
      this.timeout(120_000);
      assert.deepEqual(await known(config), platforms);
    });
  }

  it('are of Node.js 22 in src: nothing is used there that came later', () => {
    const later =
      /\b(?:DisposableStack|AsyncDisposableStack|Promise\.try|RegExp\.escape|Error\.isError|Math\.sumPrecise)\b/;
    const files = globSync('src/**/*.ts', { cwd: root });
    assert.ok(files.length > 100);
    assert.deepEqual(
      files.filter((file) => later.test(readFileSync(join(root, file), 'utf8'))),
      [],
    );
  });

  it('are checked for every floor by one command', () => {
    const { references } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
    const paths = references.map(({ path }: { path: string }) =>
      path.endsWith('.json') ? path : `${path}/tsconfig.json`,
    );
    assert.deepEqual(paths, Object.keys(floors));
  });
});
