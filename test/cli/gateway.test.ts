import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ledgerProcess } from '../support/ledger-process.ts';
import { scratchFolder } from '../support/scratch.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { SseServer } from '../support/sse-server.ts';
import { connect, gate, TOKEN } from './gated.ts';
import { Running } from './running.ts';
import { lineOf } from './serving.ts';

const entries = Array.from({ length: 50 }, (_, index) => `entry ${index}`);

describe('a plain client behind resilient-mcp gateway --url', () => {
  it('does not notice that the server was killed: 50 calls, 50 answers, one initialize, none run twice', async () => {
    using folder = scratchFolder();
    await using ledger = await ledgerProcess();
    const { server } = ledger;
    await using gateway = await gate(folder, { args: ['--url', server.url] });
    await using client = await connect(gateway.url);
    const { sessionId } = client.transport;
    await client.client.ping();
    await server.restart();
    const answers = await Promise.all(entries.map((entry) => client.call('append', { entry })));
    for (const answer of answers) assert.match(answer, /^appended entry/);
    assert.deepEqual(ledger.ranTwice, []);
    assert.equal(ledger.initializes, 2);
    assert.equal(client.transport.sessionId, sessionId);
    assert.ok(gateway.output.some((line) => /session lost: 404/.test(line)));
  });

  it('keeps its session over a restart of the gateway itself, killed or ended', async () => {
    using folder = scratchFolder();
    await using server = await ScriptedServer.start();
    await using gateway = await gate(folder, { args: ['--url', server.url] });
    await using client = await connect(gateway.url);
    const { sessionId } = client.transport;
    for (const end of ['SIGKILL', 'SIGTERM'] as const) {
      assert.equal(await client.call('count', { key: end }), `ran ${end}`);
      if (end === 'SIGKILL') await gateway.kill();
      else await gateway.stop();
      await gateway.start();
      assert.equal(await client.call('count', { key: `after ${end}` }), `ran after ${end}`);
      assert.equal(client.transport.sessionId, sessionId);
    }
    assert.deepEqual(server.ranTwice, []);
    assert.deepEqual(server.violations, []);
  });

  it('reaches the server with its headers, and never with the token of the gateway', async () => {
    using folder = scratchFolder();
    await using server = await ScriptedServer.start();
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it is written on a command line
    const args = ['--url', server.url, '--header', 'Authorization: Bearer ${env:UP}', '--header', 'x-a: b'];
    await using gateway = await gate(folder, { args, env: { UP: 'upstream-secret' } });
    await using client = await connect(gateway.url);
    assert.equal(await client.call('count', { key: 'a' }), 'ran a');
    const { headers } = server.requests.at(-1) ?? assert.fail();
    assert.deepEqual([headers.authorization, headers['x-a']], ['Bearer upstream-secret', 'b']);
    assert.doesNotMatch(gateway.output.join('\n'), new RegExp(`upstream-secret|${TOKEN}`));
  });

  it('meets a server of HTTP+SSE, over a restart of it', async () => {
    using folder = scratchFolder();
    await using server = await SseServer.start();
    await using gateway = await gate(folder, { args: ['--url', server.url, '--sse'] });
    await using client = await connect(gateway.url);
    assert.match(await client.call('count', { key: 'a' }), /a/);
    const lost = lineOf(gateway, /session lost|does not answer/);
    await server.stop();
    await lost;
    const calling = client.call('count', { key: 'b' });
    await server.listen();
    assert.match(await calling, /b/);
    assert.deepEqual([server.count('run count a'), server.count('run count b')], [1, 1]);
  });

  it('is told how to sign in when the server wants that', async () => {
    using folder = scratchFolder();
    await using server = await ScriptedServer.start();
    server.answerAlways({}, { status: 401 });
    await using gateway = await gate(folder, { args: ['--url', server.url] });
    await assert.rejects(connect(gateway.url), /cannot sign in.*--header/);
  });
});

describe('the token of resilient-mcp gateway', () => {
  const statusOf = (url: string, token?: string) =>
    fetch(url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } }).then(
      ({ status }) => status,
    );

  it('is made and printed when none is given, another at each start', async () => {
    const tokens: string[] = [];
    for (let start = 0; start < 2; start++) {
      const env = { ...process.env, RESILIENT_MCP_TOKEN: '' };
      await using gateway = new Running(['gateway', '--url', 'http://127.0.0.1:1/', '--port', '0'], { env });
      const [, url = ''] = /(http:\S+)/.exec(await gateway.line(/http:/)) ?? [];
      const [, token = ''] = /Bearer (\S+)"/.exec(await gateway.line(/Bearer/)) ?? [];
      assert.equal(new URL(url).pathname, '/mcp');
      assert.deepEqual([await statusOf(url), await statusOf(url, token)], [401, 400]);
      tokens.push(token);
    }
    assert.notEqual(tokens[0], tokens[1]);
  });

  it('is the one of the command line before that of the environment', async () => {
    using folder = scratchFolder();
    const args = ['--url', 'http://127.0.0.1:1/', '--token', 'mine'];
    await using gateway = await gate(folder, { args });
    assert.deepEqual([await statusOf(gateway.url, TOKEN), await statusOf(gateway.url, 'mine')], [401, 400]);
  });

  it('is not asked for with --no-token, which says so; a foreign host and a foreign page are refused all the same', async () => {
    using folder = scratchFolder();
    await using server = await ScriptedServer.start();
    await using gateway = await gate(folder, { args: ['--url', server.url, '--no-token'] });
    assert.ok(gateway.output.some((line) => /need no token: every program on this machine/.test(line)));
    await using client = await connect(gateway.url, '');
    assert.equal(await client.call('count', { key: 'a' }), 'ran a');
    const page = await fetch(gateway.url, { headers: { origin: 'https://evil.example' } });
    assert.equal(page.status, 403);
  });
});

describe('resilient-mcp gateway, when it is to end', () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    it(`by ${signal}, lets the call under way end, ends the session of the server, and exits with 0`, async () => {
      using folder = scratchFolder();
      await using server = await ScriptedServer.start();
      await using gateway = await gate(folder, { args: ['--url', server.url] });
      await using client = await connect(gateway.url);
      const hold = server.hold({ tool: 'count' });
      const calling = client.call('count', { key: 'a' });
      await hold.arrived();
      const exited = new Promise<number | null>((resolve) => gateway.onExit(({ code }) => resolve(code)));
      const stopping = lineOf(gateway, /stopping/);
      process.kill(gateway.pid ?? assert.fail(), signal);
      await stopping;
      hold.release();
      assert.equal(await calling, 'ran a');
      assert.equal(await exited, 0);
      assert.equal(server.sessions.length, 0);
    });
  }

  const impatience: Readonly<Record<string, readonly [args: readonly string[], signals: number]>> = {
    'its grace is over': [['--grace', '0.1'], 1],
    'it is told a second time': [['--grace', '60'], 2],
  };
  for (const [what, [args, signals]] of Object.entries(impatience)) {
    it(`answers what is left with an error when ${what}`, async () => {
      using folder = scratchFolder();
      await using server = await ScriptedServer.start();
      await using gateway = await gate(folder, { args: ['--url', server.url, ...args] });
      await using client = await connect(gateway.url);
      const hold = server.hold({ tool: 'count' });
      const calling = client.call('count', { key: 'a' });
      await hold.arrived();
      const exited = new Promise<number | null>((resolve) => gateway.onExit(({ code }) => resolve(code)));
      for (let sent = 0; sent < signals; sent++) {
        const stopping = lineOf(gateway, /stopping/);
        process.kill(gateway.pid ?? assert.fail(), 'SIGTERM');
        if (sent === 0) await stopping;
        else stopping.catch(() => {});
      }
      assert.equal(await calling, 'CONNECTION_CLOSED');
      assert.equal(await exited, 0);
      hold.release();
    });
  }
});

describe('resilient-mcp gateway, when it cannot start', () => {
  it('says that the port is taken, and exits with 1', async () => {
    await using taken = createServer();
    await once(taken.listen(0, '127.0.0.1'), 'listening');
    const { port } = taken.address() as AddressInfo;
    const words = ['gateway', '--url', 'http://127.0.0.1:1/', '--port', String(port)];
    await using gateway = new Running(words);
    assert.equal(await gateway.exitCode, 1);
    assert.match(gateway.err.join('\n'), new RegExp(`port ${port} on 127\\.0\\.0\\.1 is in use.*--port\\.$`));
    await using second = new Running([...words, '--token', 'abc']);
    assert.equal(await second.exitCode, 1);
    assert.match(second.err.join('\n'), /permanent token to that program: choose another token too\.$/);
  });

  it('says that a key file cannot be used, and exits with 1', async () => {
    using folder = scratchFolder();
    const args = ['--url', 'http://127.0.0.1:1/', '--key-file', folder.file('no/such/../\0')];
    await using gateway = new Running(['gateway', ...args.slice(0, 3), folder.path]);
    assert.equal(await gateway.exitCode, 1);
    assert.match(gateway.err.join('\n'), /key/);
    assert.doesNotMatch(gateway.err.join('\n'), /^\s+at /m);
  });
});
