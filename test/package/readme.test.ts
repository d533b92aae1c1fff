import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../harness/free-port.ts';
import { everythingServer } from '../../harness/programs.ts';
import { SupervisedServer } from '../../harness/supervised-server.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

describe('the README', () => {
  it('names every command of the extension by its title, and no other', async () => {
    const [readme, manifest, texts] = await Promise.all([
      readFile(join(root, 'README.md'), 'utf8'),
      readFile(join(root, 'package.json'), 'utf8').then(JSON.parse),
      readFile(join(root, 'package.nls.json'), 'utf8').then(JSON.parse),
    ]);
    const commands: { title: string; category: string }[] = manifest.contributes.commands;
    const titles = commands.map(({ title, category }) => `${category}: ${texts[title.replaceAll('%', '')]}`);
    const named = [...readme.matchAll(/\*\*(MCP: [^*]+)\*\*/g)].map(([, title]) => title ?? '');
    assert.deepEqual([...new Set(named)].sort(), titles.sort());
  });

  it('names every setting', async () => {
    const readme = await readFile(join(root, 'README.md'), 'utf8');
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    const groups: { properties: object }[] = manifest.contributes.configuration;
    for (const name of groups.flatMap(({ properties }) => Object.keys(properties))) {
      assert.ok(readme.includes(name), name);
    }
  });

  it('shows only pictures that are there, as PNG, and leads only to files that are there', async () => {
    const readme = await readFile(join(root, 'README.md'), 'utf8');
    const pictures = [...readme.matchAll(/!\[[^\]]*\]\(([^)]+)\)|<img src="([^"]+)"/g)].map(
      ([, a, b]) => a ?? b,
    );
    const links = [...readme.matchAll(/(?<!!)\[[^\]]+\]\((?!https:|#)([^)#]+)[^)]*\)/g)].map(
      ([, file]) => file,
    );
    assert.ok(pictures.length > 3 && links.length > 10);
    for (const picture of pictures) assert.match(picture ?? '', /^media\/[\w-]+\.png$/);
    for (const file of [...pictures, ...links]) await access(join(root, file ?? ''));
  });
});

describe('the example of the README', () => {
  it('runs as it stands, against a real server', async () => {
    const readme = await readFile(join(root, 'README.md'), 'utf8');
    const code = /<!-- run by test\/package\/readme\.test\.ts -->\n```ts\n([\s\S]*?)```/.exec(readme)?.[1];
    assert.ok(code, 'the README has its example, marked as run by this test');
    assert.ok(code.trim().split('\n').length <= 16);
    // Inside the package, its own name leads to what `npm run build` wrote.
    const folder = join(root, 'test-results');
    await mkdir(folder, { recursive: true });
    const file = join(folder, 'readme-example.mjs');
    await writeFile(file, code);
    const port = await freePort();
    await using _server = await SupervisedServer.start(everythingServer(port));
    const env = { ...process.env, MCP_URL: `http://127.0.0.1:${port}/mcp` };
    const { stdout } = await run(process.execPath, [file], { env });
    assert.equal(stdout.trim(), 'Echo: hello');
  });
});
