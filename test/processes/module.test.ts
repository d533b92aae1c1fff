import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { until } from '../../harness/until.ts';
import type { HealingTransport } from '../../src/client/healing-transport.ts';
import { isResilientMcpError, type JournalEntry } from '../../src/client/index.ts';
import type { ModuleServerConfig } from '../../src/config/server-config.ts';
import { type OpenOptions, type OpenTransport, transportOpener } from '../../src/hub/open/open-transport.ts';
import { program, project, serverModule, versionModule } from '../cli/serving.ts';
import { type Connected, connectedBy, quick } from '../support/connected.ts';
import type { ScratchFolder } from '../support/scratch.ts';
import { textOf } from '../support/sdk-client.ts';
import { lives } from '../support/stdio/ledger.ts';

describe('a local module', () => {
  let folder: ScratchFolder;
  let open: OpenTransport;
  const opened: Connected<HealingTransport>[] = [];

  beforeEach(() => {
    folder = project({ 'server.ts': serverModule, 'version.ts': versionModule('one') });
    open = opener();
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.client.close();
    folder[Symbol.dispose]();
  });

  const opener = () =>
    transportOpener({
      processes: {
        cwd: folder.path,
        env: { ...process.env, RESILIENT_MCP_SESSION_KEY: 'k'.repeat(40), RESILIENT_MCP_TOKEN: 't' },
        serve: { command: process.execPath, args: [program] },
      },
    });

  const entry = (changes: Partial<ModuleServerConfig> = {}): ModuleServerConfig => ({
    type: 'module',
    name: 'served',
    module: 'server.ts',
    env: {},
    shared: false,
    replay: { default: 'hints', tools: {} },
    ...changes,
  });

  async function connect(
    options: OpenOptions = {},
    changes: Partial<ModuleServerConfig> = {},
  ): Promise<Connected<HealingTransport>> {
    const recovery = { ...quick.recovery, ...options.recovery };
    const scenario = await connectedBy(
      open(entry(changes), { connectPatienceMs: 60_000, ...options, recovery }),
    );
    opened.push(scenario);
    return scenario;
  }

  const call = async (scenario: Connected<HealingTransport>, name: string) =>
    textOf(await scenario.client.callTool({ name, arguments: {} }));

  const supervisorOf = (scenario: Connected<HealingTransport>) => {
    const lines = scenario
      .facts('serverWrote')
      .flatMap((fact) => (fact.kind === 'serverWrote' ? [fact.text] : []));
    return lines.join('\n');
  };

  it('is served by a process of its own, which ends with the last of its connections', async () => {
    const one = await connect();
    const two = await connect();
    const pid = Number(await call(one, 'pid'));
    assert.equal(await call(two, 'pid'), String(pid));
    await one.client.close();
    assert.equal(await call(two, 'version'), 'one');
    await two.client.close();
    assert.ok(!lives(pid));
    assert.doesNotMatch(supervisorOf(one), /listening on/);
  });

  it('has none of the variables of this project, and a short list where that is chosen', async () => {
    writeFileSync(folder.file('version.ts'), 'export const version: string = JSON.stringify(process.env);\n');
    process.env.NPM_TOKEN = 'of the parent';
    try {
      open = opener();
    } finally {
      delete process.env.NPM_TOKEN;
    }
    const whole = JSON.parse(await call(await connect(), 'version'));
    assert.deepEqual(
      Object.keys(whole).filter((name) => /^RESILIENT_MCP/i.test(name)),
      [],
    );
    assert.equal(whole.NPM_TOKEN, 'of the parent');
    const short = JSON.parse(await call(await connect({}, { inheritEnv: [], env: { A: 'b' } }), 'version'));
    assert.deepEqual([short.NPM_TOKEN, short.A, short.PATH], [undefined, 'b', process.env.PATH]);
  });

  it('is met at a socket that only its user can open, and at no port', async function () {
    if (process.platform !== 'linux') return this.skip();
    const scenario = await connect();
    const worker = Number(await call(scenario, 'pid'));
    const supervisor = parentOf(worker);
    for (const pid of [worker, supervisor]) assert.deepEqual(listenersOf(pid, 'tcp'), []);
    const [socket = ''] = listenersOf(supervisor, 'unix');
    assert.equal(statSync(socket).mode & 0o777, 0o600);
    assert.equal(statSync(dirname(socket)).mode & 0o777, 0o700);
    await scenario.client.close();
    assert.equal(existsSync(dirname(socket)), false);
  });

  it('is served anew when its file changes, and the session goes on', async () => {
    const scenario = await connect();
    assert.equal(await call(scenario, 'version'), 'one');
    const told = scenario.client.listTools();
    await told;
    writeFileSync(folder.file('version.ts'), versionModule('two'));
    while ((await call(scenario, 'version')) !== 'two')
      await scenario.fact('serverWrote', scenario.facts('serverWrote').length + 1);
    assert.equal(scenario.transport.snapshot().generation, 1);
  });

  it('is started again when it crashes, and the session goes on', async () => {
    const scenario = await connect();
    const pid = await call(scenario, 'pid');
    await scenario.client.listTools();
    assert.equal(await scenario.call('exit', 'a'), 'OUTCOME_UNKNOWN');
    assert.notEqual(await call(scenario, 'pid'), pid);
    assert.equal(scenario.transport.snapshot().generation, 1);
  });

  it('is served again when even its supervisor was killed, and the session goes on', async () => {
    const scenario = await connect();
    const pid = Number(await call(scenario, 'pid'));
    process.kill(parentOf(pid), 'SIGKILL');
    await scenario.state(({ status }) => status !== 'ready');
    assert.notEqual(await call(scenario, 'pid'), String(pid));
    assert.equal(scenario.transport.snapshot().generation, 1);
    assert.ok(!lives(pid));
  });

  it('is served no longer than the one lives that has started its process', async () => {
    const args = [program, 'serve', folder.file('server.ts'), '--port', '0', '--with-stdin'];
    const serving = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(serving, 'exit');
    await once(serving.stdout, 'data');
    serving.stdin.destroy();
    assert.deepEqual(await ended, [0, null]);
  });

  it('is told in words when it cannot be served, and is connected when it can', async () => {
    const missing = await connect({ connectPatienceMs: 0 }, { module: 'none.ts' }).catch(
      (error: unknown) => error,
    );
    assert.ok(isResilientMcpError(missing, 'SERVER_NOT_STARTED'), String(missing));
    assert.match(missing.message, /^The module is not served: there is no file .*none\.ts/);
    writeFileSync(folder.file('version.ts'), 'syntax error');
    const transport = open(entry(), { recovery: { ...quick.recovery } });
    const connecting = connectedBy(transport);
    await until<JournalEntry>(
      (listener) => transport.journal.subscribe(listener),
      (fact) => fact.kind === 'serverWrote' && /waiting for a file to change/.test(fact.text),
    );
    writeFileSync(folder.file('version.ts'), versionModule('three'));
    const scenario = await connecting;
    opened.push(scenario);
    assert.equal(await call(scenario, 'version'), 'three');
  });
});

function parentOf(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }));
}

/** What a process listens on: the inodes of its sockets, looked up among those of the system. */
function listenersOf(pid: number, kind: 'tcp' | 'unix'): string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`, 'utf8');
      return /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? [];
    }),
  );
  const rows = (table: string) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((row) => row.trim().split(/\s+/));
  // 0A: listening. Of a Unix socket the flags say so, and its path comes last.
  return kind === 'tcp'
    ? [...rows('tcp'), ...rows('tcp6')]
        .filter((row) => row[3] === '0A' && inodes.has(row[9] ?? ''))
        .map(String)
    : rows('unix').flatMap((row) =>
        row[3] === '00010000' && inodes.has(row[6] ?? '') ? (row[7] ?? []) : [],
      );
}
