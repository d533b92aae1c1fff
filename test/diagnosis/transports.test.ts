import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, watch } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { freePort } from '../../harness/free-port.ts';
import { everythingServer } from '../../harness/programs.ts';
import type {
  ModuleServerConfig,
  SseServerConfig,
  StdioServerConfig,
} from '../../src/config/server-config.ts';
import type { Diagnosis } from '../../src/diagnosis/check.ts';
import { planFor } from '../../src/diagnosis/plan.ts';
import { program as commandLine, project, serverModule, versionModule } from '../cli/serving.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { assertFinds, check, made, realEdge, withVerdict } from './diagnosed.ts';

const common = { name: 'local', replay: { default: 'hints', tools: {} }, shared: false } as const;
const edge = {
  environment: realEdge,
  network: realEdge.network,
  processes: { cwd: process.cwd(), env: process.env },
};

describe('the diagnosis of a program', () => {
  it('finds nothing wrong with a good one, and ends it', async () => {
    const { script } = everythingServer(await freePort());
    const diagnosis = await program([script, 'stdio']);
    assert.deepEqual(withVerdict(diagnosis, 'ok'), ['configuration', 'start', 'initialize', 'tools', 'end']);
    assertFinds(diagnosis, 'tools', 'ok', /\d+ tools/);
  });

  it('says that there is no such command', async () => {
    const diagnosis = await program([], { command: 'there-is-no-such-command' });
    assertFinds(diagnosis, 'start', 'problem', /there-is-no-such-command/);
    assertFinds(diagnosis, 'initialize', 'skipped', /not started/);
    assertFinds(diagnosis, 'end', 'skipped', /not started/);
  });

  it('says that it ends by itself, and what it wrote before', async () => {
    const diagnosis = await script('process.stderr.write("no database\\n", () => process.exit(7));');
    assertFinds(diagnosis, 'initialize', 'problem', /exit code 7.*no database/);
    assertFinds(diagnosis, 'tools', 'skipped', /ended/);
    assertFinds(diagnosis, 'end', 'skipped', /ended already/);
  });

  it('finds lines on standard output that are no messages', async () => {
    const diagnosis = await script(`console.log('listening'); ${answering}`);
    assertFinds(diagnosis, 'initialize', 'problem', /1 line to its standard output.*standard error/);
    assertFinds(diagnosis, 'end', 'ok', /input was closed/);
  });

  it('finds a program that stays when its input is closed', async () => {
    const diagnosis = await script(`setInterval(() => {}, 1000); ${answering}`);
    assertFinds(diagnosis, 'end', 'note', /had to be told by a signal/);
  });

  it('breaks off one that says nothing, and ends it', async () => {
    using folder = scratchFolder();
    const names = JSON.stringify([folder.file('draft'), folder.file('pid')]);
    const text = `
      const fs = require('node:fs');
      fs.writeFileSync(${names}[0], String(process.pid));
      fs.renameSync(...${names});
      process.stdin.resume();`;
    const cancel = new AbortController();
    using _ = watching(folder.path, (name) => name === 'pid' && cancel.abort());
    const diagnosis = await made(planFor(config(['-e', text]), edge, 'test'), { signal: cancel.signal });
    assertFinds(diagnosis, 'initialize', 'skipped', /cancelled/);
    const pid = Number(readFileSync(folder.file('pid'), 'utf8'));
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });

  it('shows no value of its variables, whatever the program writes', async () => {
    const env = { API_TOKEN: 'hunter2-hunter2' };
    const text = `console.error('my token is ' + process.env.API_TOKEN); ${answering}`;
    const diagnosis = await program(['-e', text], { env });
    const written = JSON.stringify(diagnosis);
    assert.ok(!written.includes('hunter2'));
    assert.match(written, /my token is/);
    assert.match(check(diagnosis, 'configuration').says, /with the variables API_TOKEN/);
  });

  it('is not made where no program can be started', () => {
    assert.throws(() => planFor(config([]), { ...edge, processes: undefined }, 'test'), {
      code: 'INVALID_CONFIGURATION',
    });
  });
});

describe('the diagnosis of a module', () => {
  const moduleIn = (folder: ScratchFolder, module: string): Promise<Diagnosis> => {
    const env = { ...process.env, RESILIENT_MCP_SESSION_KEY: 'k'.repeat(40) };
    const processes = { cwd: folder.path, env, serve: { command: process.execPath, args: [commandLine] } };
    const config: ModuleServerConfig = { ...common, type: 'module', module, env: {} };
    return made(planFor(config, { ...edge, processes }, 'test'));
  };

  it('serves it for as long as it is looked at', async () => {
    using folder = project({ 'server.ts': serverModule, 'version.ts': versionModule('one') });
    const diagnosis = await moduleIn(folder, 'server.ts');
    assert.deepEqual(withVerdict(diagnosis, 'problem'), []);
    assert.deepEqual(withVerdict(diagnosis, 'skipped'), []);
    assertFinds(diagnosis, 'unknown-session', 'ok', /404/);
  });

  it('says why it cannot be served', async () => {
    using folder = project({ 'server.ts': 'throw new Error("no database");' });
    const diagnosis = await moduleIn(folder, 'server.ts');
    assertFinds(diagnosis, 'http', 'problem', /answered 503/);
    const written = diagnosis.checks.flatMap(({ evidence }) => evidence.map(({ body }) => body));
    assert.ok(
      written.some((line) => /no database/.test(line ?? '')),
      JSON.stringify(diagnosis.checks),
    );
    assertFinds(diagnosis, 'tools', 'skipped', /no usable answer/);
  });

  it('says that it cannot be served at all', async () => {
    using folder = project({});
    const diagnosis = await moduleIn(folder, 'nowhere.ts');
    assertFinds(diagnosis, 'start', 'problem', /nowhere\.ts/);
    assertFinds(diagnosis, 'tools', 'skipped', /not served/);
  });
});

describe('the diagnosis of an HTTP+SSE server', () => {
  it('finds nothing wrong with a good one', async () => {
    await using server = await sseServer();
    const diagnosis = await sse(server.url);
    assert.deepEqual(withVerdict(diagnosis, 'problem'), []);
    assertFinds(diagnosis, 'tools', 'ok', /1 tool\./);
    assertFinds(diagnosis, 'end', 'ok', /closed/);
    await server.deserted;
  });

  it('says that nobody listens', async () => {
    const diagnosis = await sse(`http://127.0.0.1:${await freePort()}/sse`);
    assert.deepEqual(withVerdict(diagnosis, 'problem'), ['tcp']);
    assertFinds(diagnosis, 'start', 'skipped', /see Connection/);
  });

  it('says that there is another transport', async () => {
    await using server = await ScriptedServer.start();
    assertFinds(await sse(server.url), 'start', 'problem', /40\d/);
  });
});

/** Answers `initialize`, and ends with its input. */
const answering = `
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line);
    const serverInfo = { name: 'tiny', version: '1' };
    const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo };
    if (method === 'initialize') console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
  });`;

function watching(folder: string, onName: (name: string | null) => void): Disposable {
  const watcher = watch(folder, (_, name) => onName(name));
  return { [Symbol.dispose]: () => watcher.close() };
}

function config(args: readonly string[], more: Partial<StdioServerConfig> = {}): StdioServerConfig {
  return { ...common, type: 'stdio', command: process.execPath, args, env: {}, cwd: undefined, ...more };
}

function program(args: readonly string[], more: Partial<StdioServerConfig> = {}): Promise<Diagnosis> {
  return made(planFor(config(args, more), edge, 'test'));
}

function script(text: string): Promise<Diagnosis> {
  return program(['-e', text]);
}

function sse(url: string): Promise<Diagnosis> {
  const config: SseServerConfig = { ...common, type: 'sse', url, headers: {} };
  return made(planFor(config, edge, 'test'));
}

/** A server of the SDK over HTTP+SSE. */
async function sseServer() {
  const transports = new Map<string, SSEServerTransport>();
  const deserted = Promise.withResolvers<void>();
  const http = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://127.0.0.1');
    if (request.method === 'POST') {
      void transports.get(url.searchParams.get('sessionId') ?? '')?.handlePostMessage(request, response);
      return;
    }
    const transport = new SSEServerTransport('/messages', response);
    transports.set(transport.sessionId, transport);
    response.once('close', () => {
      transports.delete(transport.sessionId);
      deserted.resolve();
    });
    const server = new Server({ name: 'older', version: '1' }, { capabilities: { tools: {} } });
    const tools = [
      { name: 'read', inputSchema: { type: 'object' as const }, annotations: { readOnlyHint: true } },
    ];
    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools }));
    void server.connect(transport);
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/sse`,
    /** Resolves when its client has gone. */
    deserted: deserted.promise,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}
