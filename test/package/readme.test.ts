import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../examples/demo/free-port.ts';
import { everythingServer } from '../../examples/demo/programs.ts';
import { SupervisedServer } from '../../examples/demo/supervised-server.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

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
