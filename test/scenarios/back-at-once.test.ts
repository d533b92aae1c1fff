import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { systemClock } from '../../src/base/environment.ts';
import type { HttpClient } from '../../src/base/http-client.ts';
import { fetchClient } from '../../src/client/wire/http/fetch-client.ts';
import { NotConnectedError } from '../../src/client/wire/http/network-error.ts';
import { connected } from '../support/connected.ts';
import { HeldClock } from '../support/held-clock.ts';
import { scratchFolder } from '../support/scratch.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

const NEVER_MS = 3_600_000;
/** The next attempt by the clock alone comes when no test waits for it any more. */
const rarely = {
  patienceMs: NEVER_MS,
  connectPatienceMs: NEVER_MS,
  recovery: { initialDelayMs: NEVER_MS, maxDelayMs: NEVER_MS, probeIntervalMs: NEVER_MS },
};

describe('a server of this machine that listens again', () => {
  it('answers the call that waits for it at once', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, rarely);
    await scenario.fact('streamOpened');
    await server.refuseConnections();
    await scenario.fact('streamEnded');
    const calling = scenario.call('count', 'a');
    await scenario.fact('attemptFailed');
    await server.acceptConnections();
    assert.equal(await calling, 'ran a');
    assert.equal(server.count({ rpc: 'initialize' }), 1);
  });

  it('without its sessions: the same, in one new session', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, rarely);
    await scenario.fact('streamOpened');
    await server.refuseConnections();
    await scenario.fact('streamEnded');
    server.forgetSessions('404-json');
    const calling = scenario.call('count', 'a');
    await scenario.fact('attemptFailed');
    await server.acceptConnections();
    assert.equal(await calling, 'ran a');
    assert.equal(server.count({ rpc: 'initialize' }), 2);
  });

  it('is connected to at once by a client that came before it', async () => {
    await using server = await ScriptedServer.start();
    await server.refuseConnections();
    const failed = Promise.withResolvers<void>();
    const connecting = connected(server.url, {
      ...rarely,
      seen: (transport) =>
        transport.journal.subscribe(({ kind }) => kind === 'attemptFailed' && failed.resolve()),
    });
    await failed.promise;
    await server.acceptConnections();
    await using scenario = await connecting;
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(server.count({ rpc: 'initialize' }), 1);
  });

  it('over a way of the caller’s, which knows when somebody is there: the same', async () => {
    await using server = await ScriptedServer.start();
    const way = { isThere: true };
    const client = fetchClient(fetch);
    const http: HttpClient = async (_, init) => {
      if (!way.isThere) throw new NotConnectedError('nobody is there', { code: undefined });
      return client(new URL(server.url), init);
    };
    const environment = { http, knock: async () => way.isThere };
    await using scenario = await connected('http://127.0.0.1/named', { ...rarely, environment });
    await scenario.fact('streamOpened');
    way.isThere = false;
    server.cutConnections();
    await scenario.fact('streamEnded');
    const calling = scenario.call('count', 'a');
    await scenario.fact('attemptFailed');
    way.isThere = true;
    assert.equal(await calling, 'ran a');
  });

  it('is not knocked at while nobody waits, and at once when somebody does', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { ...rarely, environment: { clock } });
    await scenario.fact('streamOpened');
    await server.refuseConnections();
    await scenario.fact('attemptFailed');
    await server.acceptConnections();
    const { made } = server.connections;
    await clock.advance(10_000);
    assert.equal(server.connections.made, made);
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });

  it('is not taken for back by a port that something else keeps open', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { ...rarely, environment: { clock } });
    await scenario.fact('streamOpened');
    // What is simulated refuses requests, and takes connections.
    scenario.transport.simulate({ kind: 'refuse', forMs: NEVER_MS });
    const calling = scenario.call('count', 'a');
    // The first attempt and those that a knock misled; the next is that of the clock.
    await scenario.fact('attemptFailed', 6);
    await clock.advance(10_000);
    assert.equal(scenario.facts('attemptFailed').length, 6);
    await scenario.client.close();
    await calling;
  });
});

describe('a server elsewhere', () => {
  /** Two machines away as far as anybody can tell; `isCut` while the way there is. */
  function elsewhere(server: ScriptedServer) {
    const way = { isCut: false };
    const url = new URL(server.url);
    const fetchThere = async (_: string | URL, init?: RequestInit) => {
      if (way.isCut) throw Object.assign(new TypeError('fetch failed'), { code: 'ENETUNREACH' });
      return fetch(url, init);
    };
    return { way, url: `http://${url.port}.elsewhere.test/mcp`, fetch: fetchThere };
  }

  it('is asked at once when another connection was answered there', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ method: 'GET' }, { status: 405 });
    const clock = new HeldClock();
    const cut = elsewhere(server);
    const { url } = cut;
    await using scenario = await connected(url, {
      fetch: cut.fetch,
      environment: { clock },
      patienceMs: 1000,
      recovery: { maxDelayMs: 1000, probeIntervalMs: NEVER_MS },
    });
    await using other = await connected(url, { fetch: elsewhere(server).fetch });
    cut.way.isCut = true;
    const calling = scenario.call('count', 'a');
    await scenario.fact('attemptFailed');
    await clock.advance(3000);
    assert.equal(await calling, 'SERVER_UNAVAILABLE');
    await scenario.state(({ status, nextAttemptAt }) => status === 'down' && nextAttemptAt !== undefined);
    cut.way.isCut = false;
    await clock.advance(10_000);
    assert.equal(scenario.transport.snapshot().status, 'down');
    assert.equal(await other.call('count', 'b'), 'ran b');
    await scenario.state(({ status }) => status === 'ready');
  });

  it('is asked at once when the network is another', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ method: 'GET' }, { status: 405 });
    const clock = new HeldClock();
    const { way, url, fetch } = elsewhere(server);
    let addresses = '192.0.2.1';
    await using scenario = await connected(url, {
      ...rarely,
      fetch,
      environment: { clock, networkAddresses: () => addresses },
    });
    way.isCut = true;
    const calling = scenario.call('count', 'a');
    await scenario.fact('attemptFailed');
    way.isCut = false;
    await clock.advance(10_000);
    assert.equal(server.runs('a'), 0);
    addresses = '198.51.100.1';
    await clock.advance(2500);
    assert.equal(await calling, 'ran a');
  });

  it('is asked at once when the machine slept', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ method: 'GET' }, { status: 405 });
    const clock = new HeldClock();
    const { way, url, fetch } = elsewhere(server);
    await using scenario = await connected(url, { ...rarely, fetch, environment: { clock } });
    way.isCut = true;
    const calling = scenario.call('count', 'a');
    await scenario.fact('attemptFailed');
    way.isCut = false;
    clock.jump(6000);
    await clock.advance(2500);
    assert.equal(await calling, 'ran a');
  });
});

describe('a process that was stopped while its server restarted', () => {
  /** A client that calls `count` under each line that it is given, and prints what came of it. */
  const program = `
    import { existsSync } from 'node:fs';
    import { createInterface } from 'node:readline';
    import { Client } from '@modelcontextprotocol/sdk/client/index.js';
    import { systemClock } from '../../src/base/environment.ts';
    import { ResilientTransport } from '../../src/client/index.ts';
    const [url, slept] = process.argv.slice(1);
    // As long a sleep as a laptop's, without waiting for it.
    const clock = { ...systemClock, now: () => Date.now() + (existsSync(slept) ? ${NEVER_MS} : 0) };
    const client = new Client({ name: 'stopped', version: '1.0.0' });
    await client.connect(new ResilientTransport(url, { environment: { clock } }));
    for await (const key of createInterface(process.stdin)) {
      const result = client.callTool({ name: 'count', arguments: { key } });
      console.log(await result.then(({ content }) => content[0].text, (error) => error.message));
    }
    await client.close();
  `;

  it('has its first call answered, once', async function () {
    if (process.platform === 'win32') this.skip();
    using folder = scratchFolder();
    await using server = await ScriptedServer.start();
    const slept = folder.file('slept');
    const args = ['--input-type=module', '--eval', program, server.url, slept];
    const child = spawn(process.execPath, args, { cwd: import.meta.dirname, stdio: 'pipe' });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    child.stdin.write('a\n');
    assert.equal((await lines.next()).value, 'ran a');
    await server.answered({ method: 'GET' });
    child.kill('SIGSTOP');
    // Nobody is there any more to say that the old connections are closed.
    server.abandonConnections();
    server.forgetSessions('404-json');
    writeFileSync(slept, '');
    child.stdin.end('b\n');
    child.kill('SIGCONT');
    assert.equal((await lines.next()).value, 'ran b');
    assert.deepEqual([server.runs('b'), server.count({ rpc: 'initialize' })], [1, 2]);
    await once(child, 'exit');
  });
});

describe('a machine that slept', () => {
  it('has every idle connection ask its server, each at a time of its own', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    const moments = [0.1, 0.9];
    const scenarios = await Promise.all(
      moments.map((moment) => connected(server.url, { environment: { clock, random: () => moment } })),
    );
    for (const scenario of scenarios) await scenario.fact('streamOpened');
    clock.jump(NEVER_MS);
    await clock.advance(2500);
    assert.equal(server.count({ rpc: 'ping' }), 0);
    await clock.advance(100);
    await server.answered({ rpc: 'ping' }, 1);
    await clock.advance(800);
    await server.answered({ rpc: 'ping' }, 2);
    for (const scenario of scenarios) {
      assert.equal(scenario.transport.snapshot().status, 'ready');
      const closing = scenario.client.close();
      await clock.advance(2000);
      await closing;
    }
    assert.equal(clock.pending, 0);
  });

  it('or a clock that was set on by a few seconds: nothing is asked', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { environment: { clock } });
    await scenario.fact('streamOpened');
    clock.jump(4000);
    await clock.advance(10_000);
    assert.equal(server.count({ rpc: 'ping' }), 0);
  });

  it('proves the connection before the first call, whether or not its stream seems to be open', async () => {
    await using server = await ScriptedServer.start();
    let slept = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + slept };
    await using scenario = await connected(server.url, { environment: { clock } });
    await scenario.fact('streamOpened');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    slept = NEVER_MS;
    assert.equal(await scenario.call('count', 'b'), 'ran b');
    assert.equal(await scenario.call('count', 'c'), 'ran c');
    const order = server.requests.flatMap(({ rpc, tool }) => (rpc === 'ping' || tool ? [tool ?? rpc] : []));
    assert.deepEqual(order, ['count', 'ping', 'count', 'count']);
  });
});
