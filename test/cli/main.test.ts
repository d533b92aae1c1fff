import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  connect,
  lineOf,
  program,
  project,
  release,
  serve,
  serverModule,
  versionModule,
  workerOf,
} from './serving.ts';

const files = { 'server.ts': serverModule, 'version.ts': versionModule('v0') };

/** Runs the program to its end. */
async function run(args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const text = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text.out += part;
  });
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    text.err += part;
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, ...text };
}

describe('resilient-mcp', () => {
  it('says its version, and its commands', async () => {
    assert.match((await run(['--version'])).out, /^\d+\.\d+\.\d+\n$/);
    const help = await run(['--help']);
    assert.deepEqual([help.code, /^ {2}serve /m.test(help.out)], [0, true]);
    assert.match((await run(['serve', '--help'])).out, /--watch/);
  });

  const misuses: Readonly<Record<string, readonly [args: readonly string[], says: RegExp]>> = {
    'no command': [[], /no command given/],
    'an unknown command': [['sreve'], /no command sreve/],
    'the name of something that every object has': [['constructor'], /no command constructor/],
    'no module': [['serve'], /needs the path of a module/],
    'two modules': [['serve', 'a.js', 'b.js'], /Remove b\.js/],
    'an unknown option': [['serve', 'a.js', '--prot', '1'], /--prot/],
    'an option without its value': [['serve', 'a.js', '--port'], /--port/],
    'a port that is none': [['serve', 'a.js', '--port', '70000'], /0 to 65535, not 70000/],
    'a number of restarts that is none': [
      ['serve', 'a.js', '--max-restarts', 'x'],
      /must be a number, not x/,
    ],
    'a path without a slash': [['serve', 'a.js', '--path', 'mcp'], /start with a slash/],
  };
  for (const [what, [args, says]] of Object.entries(misuses)) {
    it(`refuses ${what} with exit code 2`, async () => {
      const { code, out, err } = await run(args);
      assert.deepEqual([code, out], [2, '']);
      assert.match(err, says);
      assert.doesNotMatch(err, /^\s+at /m);
    });
  }
});

describe('resilient-mcp serve', () => {
  const unusable: Readonly<Record<string, readonly [text: string, says: RegExp]>> = {
    'has no factory': ['export const a = 1;', /exports no server factory.*createServer/],
    'exports a server': ['export default { connect() {} };', /exports a server object; each session needs/],
    'returns no server': ['export default () => ({});', /returned no server/],
    'throws as it is loaded': ['\nthrow new Error("no database");', /server\.ts:2: Error: no database/],
    'imports what is not there': ['import "./gone.ts";', /gone\.ts/],
    'ends the process': ['process.exit(7);', /ended before it served \(exit code 7\)/],
  };
  for (const [what, [text, says]] of Object.entries(unusable)) {
    it(`ends with exit code 1 and the reason when the module ${what}`, async () => {
      using folder = project({ 'server.ts': text });
      const args = ['serve', folder.file('server.ts'), '--port', '0', '--key-file', folder.file('key')];
      const { code, err } = await run(args);
      assert.equal(code, 1);
      assert.match(err, says);
      assert.doesNotMatch(err, /^\s+at /m);
    });
  }

  it('ends with exit code 1 when there is no such module', async () => {
    const { code, err } = await run(['serve', 'nowhere.ts']);
    assert.deepEqual([code, /there is no file .*nowhere\.ts/.test(err)], [1, true]);
  });

  it('says that the port is taken', async () => {
    using folder = project(files);
    await using taken = createServer();
    await once(taken.listen(0, '127.0.0.1'), 'listening');
    const port = String((taken.address() as AddressInfo).port);
    const { code, err } = await run(['serve', folder.file('server.ts'), '--port', port]);
    assert.equal(code, 1);
    assert.match(err, new RegExp(`port ${port} on 127\\.0\\.0\\.1 is in use by another program`));
  });

  it('serves a CommonJS module as it serves others', async () => {
    const common = `
      const { McpServer } = require('@modelcontextprotocol/sdk/server/mcp.js');
      module.exports = { createServer() {
        const server = new McpServer({ name: 'common', version: '1.0.0' });
        server.registerTool('version', {}, () => ({ content: [{ type: 'text', text: 'common' }] }));
        return server;
      } };`;
    using folder = project({ 'server.cjs': common });
    await using server = await serve(folder, { module: 'server.cjs' });
    await using client = await connect(server.url);
    assert.equal(await client.call('version'), 'common');
  });

  it('starts a killed process again, with more time between, and gives up when that happens too often', async () => {
    using folder = project(files);
    await using server = await serve(folder, { args: ['--max-restarts', '3'] });
    const exited = new Promise<number | null>((resolve) => server.onExit(({ code }) => resolve(code)));
    for (let crash = 1; crash <= 3; crash += 1) {
      const back = lineOf(server, /serving \(pid/);
      process.kill(workerOf(server), 'SIGKILL');
      await back;
    }
    const delays = server.output.flatMap((line) => /again in (\d+) ms/.exec(line)?.[1] ?? []);
    assert.deepEqual(delays, ['0', '100', '200']);
    process.kill(workerOf(server), 'SIGKILL');
    assert.equal(await exited, 1);
    assert.ok(server.output.some((line) => /crashed 4 times within a minute: not started again/.test(line)));
  });

  it('lets a call under way end when it is told to stop', async () => {
    using folder = project(files);
    await using server = await serve(folder);
    await using client = await connect(server.url);
    const holding = lineOf(server, /^holding$/);
    const held = client.call('hold');
    await holding;
    const exited = new Promise<number | null>((resolve) => server.onExit(({ code }) => resolve(code)));
    const pid = server.pid ?? assert.fail('it does not run');
    const stopping = lineOf(server, /stopping/);
    process.kill(pid, 'SIGTERM');
    await stopping;
    release(folder);
    assert.equal(await held, 'v0');
    assert.equal(await exited, 0);
  });

  it('keeps sessions over a restart of the whole program', async () => {
    using folder = project(files);
    await using server = await serve(folder);
    await using client = await connect(server.url);
    const { sessionId } = client.transport;
    await server.restart();
    assert.equal(await client.call('version'), 'v0');
    assert.equal(client.transport.sessionId, sessionId);
  });

  it('answers other paths with 404, and foreign hosts with 403', async () => {
    using folder = project(files);
    await using server = await serve(folder, { args: ['--allowed-host', 'mcp.example'] });
    const to = (path: string) => fetch(new URL(path, server.url)).then(({ status }) => status);
    assert.equal(await to('/other'), 404);
    assert.equal(await to('/mcp'), 400);
    assert.equal(await statusFor(server.port, 'evil.example'), 403);
    assert.equal(await statusFor(server.port, 'mcp.example'), 400);
  });
});

/** `fetch` does not let its caller choose the Host header. */
async function statusFor(port: number, host: string): Promise<number | undefined> {
  const outgoing = request({ port, host: '127.0.0.1', path: '/mcp', headers: { host }, agent: false }).end();
  const [response] = await once(outgoing, 'response');
  response.resume();
  return response.statusCode;
}
