import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { freePort, isFree } from '../../harness/free-port.ts';
import {
  type ServerExit,
  type ServerProgram,
  SupervisedServer,
  scriptPath,
} from '../../harness/supervised-server.ts';
import { until } from '../../harness/until.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

/** A server that answers every request with its own process id, and says so when it listens. */
const echoPid = `
require('node:http')
  .createServer((request, response) => response.end(String(process.pid)))
  .listen(Number(process.env.PORT), '127.0.0.1', () => console.log('listening'))
  .on('error', (error) => { console.error(error.message); process.exit(1); });
`;

/** Waits for the end of a connection and gives the error code by which it ended, if it did. */
function closing(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let code: string | undefined;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code;
    });
    socket.once('close', () => resolve(code)).resume();
  });
}

describe('SupervisedServer', () => {
  let scratch: ScratchFolder;
  const opened: SupervisedServer[] = [];

  beforeEach(() => {
    scratch = scratchFolder();
  });

  afterEach(async () => {
    for (const server of opened.splice(0)) await server.stop();
    scratch[Symbol.dispose]();
  });

  async function aProgram(source: string, changes: Partial<ServerProgram> = {}): Promise<ServerProgram> {
    const script = scratch.file('server.cjs');
    writeFileSync(script, source);
    const port = changes.port ?? (await freePort());
    return { name: 'echo', script, env: { PORT: String(port) }, port, listening: /^listening$/, ...changes };
  }

  async function started(source: string, changes: Partial<ServerProgram> = {}): Promise<SupervisedServer> {
    const server = await SupervisedServer.start(await aProgram(source, changes));
    opened.push(server);
    return server;
  }

  const ask = async (server: SupervisedServer) => Number(await (await fetch(server.url)).text());

  it('answers as soon as start() is over', async () => {
    const server = await started(echoPid);
    assert.equal(await ask(server), server.pid);
  });

  it('kills with SIGKILL: the process is gone and the port is free when kill() is over', async () => {
    const server = await started(`process.on('SIGTERM', () => {});${echoPid}`);
    const pid = server.pid ?? 0;
    const exit = until<ServerExit>(
      (listener) => server.onExit(listener),
      () => true,
    );
    await server.kill();
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    assert.deepEqual(await exit, { pid, code: null, signal: 'SIGKILL' });
    assert.equal(server.running, false);
    await assert.rejects(ask(server));
  });

  it('restarts on the same port as another process', async () => {
    const server = await started(echoPid);
    const before = await ask(server);
    await server.restart();
    const after = await ask(server);
    assert.notEqual(after, before);
    assert.equal(after, server.pid);
    assert.equal(server.starts, 2);
  });

  it('freezes a server so that it answers nothing, and thaws it so that it goes on', async () => {
    const server = await started(echoPid);
    const other = await started(echoPid);
    server.freeze();
    let answered = false;
    const answer = ask(server).finally(() => {
      answered = true;
    });
    // Long enough for an answer, told by events: another server gives fifty meanwhile.
    for (let n = 0; n < 50; n++) await ask(other);
    assert.equal(answered, false);
    server.thaw();
    assert.equal(await answer, server.pid);
  });

  it('stops even a frozen server that ignores SIGTERM', async () => {
    const server = await started(`process.on('SIGTERM', () => {});${echoPid}`);
    server.freeze();
    await server.stop(50);
    assert.equal(server.running, false);
  });

  it('shows the last words of a server that ends before it listens', async () => {
    const program = await aProgram(`console.error('no such database'); process.exit(3);`);
    await assert.rejects(
      SupervisedServer.start(program),
      /echo ended before it listened \(exit code 3\):\s+no such database/,
    );
  });

  it('gives up on a server that never says that it listens, and leaves no process behind', async () => {
    const server = new SupervisedServer(
      await aProgram(`console.log('warming up'); setInterval(() => {}, 1000);`, { startTimeoutMs: 2000 }),
    );
    await assert.rejects(server.start(), /says it listens did not come within 2000 ms; .*warming up/);
    assert.equal(server.running, false);
  });

  it('tries a taken port again until it is free', async () => {
    const port = await freePort();
    const squatter = createServer().listen(port, '127.0.0.1');
    await once(squatter, 'listening');
    const server = new SupervisedServer(await aProgram(echoPid, { port }));
    opened.push(server);
    const refused = until<string>(
      (listener) => server.onLine(listener),
      (line) => line.includes('EADDRINUSE'),
    );
    const starting = server.start();
    await refused;
    squatter.close();
    await starting;
    assert.equal(await ask(server), server.pid);
  });

  it('names the port when it stays taken', async () => {
    const port = await freePort();
    const squatter = createServer().listen(port, '127.0.0.1');
    await once(squatter, 'listening');
    try {
      const program = await aProgram(echoPid, { port });
      await assert.rejects(SupervisedServer.start(program), new RegExp(`port ${port} on 127.0.0.1 is taken`));
    } finally {
      squatter.close();
    }
  });

  it('lets no server outlive a parent that was killed without a word', async () => {
    const port = await freePort();
    const program = await aProgram(echoPid, { port });
    const parentScript = scratch.file('parent.mjs');
    const module = new URL('../../harness/supervised-server.ts', import.meta.url).href;
    writeFileSync(
      parentScript,
      `import { SupervisedServer } from ${JSON.stringify(module)};
       const server = await SupervisedServer.start({ ...${JSON.stringify(program)}, listening: /^listening$/ });
       console.log(server.pid);`,
    );
    const parent = spawn(process.execPath, [parentScript], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: parent.stdout });
    const [pid] = (await once(lines, 'line')) as [string];
    assert.equal(Number(await (await fetch(`http://127.0.0.1:${port}/`)).text()), Number(pid));
    const held = connect(port, '127.0.0.1');
    await once(held, 'connect');
    parent.kill('SIGKILL');
    // A connection closes when the server ends; one that was still accepted meanwhile closes as well, the last is refused.
    let code = await closing(held);
    while (code !== 'ECONNREFUSED') code = await closing(connect(port, '127.0.0.1'));
    assert.equal(await isFree(port), true);
  });

  it('finds the script beside a module', () => {
    assert.equal(scriptPath('./supervised-server.test.ts', import.meta.url), import.meta.filename);
  });
});
