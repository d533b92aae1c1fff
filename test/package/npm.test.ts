import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cloneTo } from '../support/clone.ts';
import { scratchFolder } from '../support/scratch.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const ours = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/**
 * A project that depends on the packed tarball and on nothing else. It is laid out by hand and not by `npm install`,
 * so that the test needs no network; only the packages that package.json declares are there to be found. The tarball is
 * what `npm pack` makes of a fresh clone, where nothing has been built.
 */
describe('the npm package', () => {
  const project = scratchFolder();
  const clone = scratchFolder();
  const installed = project.file('node_modules/resilient-mcp');
  let packed: string[] = [];

  before(async () => {
    cloneTo(clone.path);
    const { stdout } = await npm(['pack', '--json', '--pack-destination', project.path], clone.path);
    const [{ filename, files }] = JSON.parse(stdout);
    packed = files.map(({ path }: { path: string }) => path);
    mkdirSync(installed, { recursive: true });
    await run('tar', ['-xzf', project.file(filename), '--strip-components=1', '-C', installed]);
    for (const name of Object.keys({ ...ours.dependencies, ...ours.peerDependencies })) link(name);
    link('@types/node');
    writeFileSync(project.file('package.json'), '{ "type": "module" }');
  });
  after(() => {
    project[Symbol.dispose]();
    clone[Symbol.dispose]();
  });

  function link(name: string): void {
    const target = project.file(join('node_modules', name));
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), target, 'junction');
  }

  it('holds the built entries, their declarations, and no source, test or bundle of the editor', () => {
    const kinds =
      /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|dist\/esm\/(package\.json|.+\.(js|d\.ts)))$/;
    assert.deepEqual(
      packed.filter((file) => !kinds.test(file)),
      [],
    );
    for (const { import: script, types } of entries()) {
      assert.ok(packed.includes(script.slice(2)), script);
      assert.ok(packed.includes(types.slice(2)), types);
    }
    for (const program of Object.values<string>(ours.bin)) {
      assert.ok(packed.includes(program.slice(2)), program);
    }
  });

  it('has a command line that starts, and says its version', async () => {
    const program = join(installed, ours.bin['resilient-mcp']);
    const { stdout } = await run(process.execPath, [program, '--version'], { cwd: project.path });
    assert.equal(stdout.trim(), ours.version);
  });

  it('is imported by name from a plain ES module', async () => {
    const names = await exportsOf('resilient-mcp/client');
    assert.ok(names.includes('ResilientTransport'), `exported: ${names}`);
    assert.ok(names.includes('isResilientMcpError'), `exported: ${names}`);
  });

  it('can be had by every entry that package.json names', async () => {
    for (const key of Object.keys(ours.exports).filter((name) => name !== './package.json')) {
      const names = await exportsOf(`resilient-mcp/${key.slice(2)}`);
      assert.ok(names.length > 0, `${key} exports nothing`);
    }
  });

  it('shares one copy of each class between its entries', async () => {
    const script = `
      const [a, b] = [await import('resilient-mcp/client'), await import('resilient-mcp/server')];
      const shared = Object.keys(a).filter((name) => name in b);
      console.log(JSON.stringify(shared.filter((name) => a[name] !== b[name])));`;
    assert.deepEqual(await evaluate(script), []);
  });

  for (const moduleResolution of ['nodenext', 'bundler']) {
    it(`type-checks in a strict project with moduleResolution ${moduleResolution}`, async () => {
      const wrong = `${consumer}\nexport const wrong: number = transport.snapshot().status;`;
      assert.match(
        await errorsOf({ 'right.ts': consumer, 'wrong.ts': wrong }, moduleResolution),
        /^wrong\.ts\(\d+,\d+\): error TS2322: [^\n]*$/,
      );
    });
  }

  function entries(): { types: string; import: string }[] {
    return Object.values<{ types: string; import: string }>(ours.exports).filter(
      (entry) => typeof entry === 'object',
    );
  }

  function exportsOf(name: string): Promise<string[]> {
    return evaluate(`console.log(JSON.stringify(Object.keys(await import('${name}'))));`);
  }

  async function evaluate(script: string): Promise<string[]> {
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
      cwd: project.path,
    });
    return JSON.parse(stdout);
  }

  /** What tsc says about our package and its consumers; the declarations of other packages are their own matter. */
  async function errorsOf(sources: Record<string, string>, moduleResolution: string): Promise<string> {
    for (const [name, source] of Object.entries(sources)) writeFileSync(project.file(name), source);
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      target: 'es2022',
      lib: ['es2022'],
      types: ['node'],
      module: moduleResolution === 'bundler' ? 'esnext' : 'nodenext',
      moduleResolution,
      skipLibCheck: false,
      noEmit: true,
    };
    writeFileSync(
      project.file('tsconfig.json'),
      JSON.stringify({ compilerOptions, files: Object.keys(sources) }),
    );
    const compiler = join(
      dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
      'bin/tsc',
    );
    const { stdout } = await run(process.execPath, [compiler, '-p', '.', '--pretty', 'false'], {
      cwd: project.path,
    }).catch((error: { stdout: string }) => error);
    const lines = stdout.split('\n').filter((line) => /^\S/.test(line));
    return lines.filter((line) => /^(\w+\.ts|node_modules\/resilient-mcp\/)/.test(line)).join('\n');
  }
});

const consumer = `
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { type ConnectionSnapshot, isResilientMcpError, ResilientTransport } from 'resilient-mcp/client';

export const transport = new ResilientTransport(new URL('http://127.0.0.1:3000/mcp'));
export async function callOnce(): Promise<ConnectionSnapshot> {
  const client = new Client({ name: 'consumer', version: '1.0.0' });
  await client.connect(transport);
  await client.callTool({ name: 'add', arguments: { amount: 1 } }).catch((error: unknown) => {
    if (!isResilientMcpError(error, 'OUTCOME_UNKNOWN')) throw error;
  });
  return transport.snapshot();
}
`;

function npm(args: readonly string[], cwd: string): Promise<{ stdout: string }> {
  return run('npm', args, { cwd, shell: process.platform === 'win32' });
}
