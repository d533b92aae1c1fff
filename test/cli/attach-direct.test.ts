import assert from 'node:assert/strict';
import { realpathSync } from 'node:fs';
import { ledgerProcess } from '../support/ledger-process.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { Ledger, lives, programPath } from '../support/stdio/ledger.ts';
import { attachedTo } from './bridged.ts';
import { initialize, Running } from './running.ts';

const command = ['--', process.execPath, programPath];

describe('attach before a command', () => {
  it('heals over a program that is killed, again and again: the client’s session goes on', async () => {
    using ledger = new Ledger();
    await using client = await attachedTo('ledger', command, { env: { LEDGER: ledger.path } });
    assert.equal(await client.call('count', { key: 'first' }), 'ran first');
    for (const [index, key] of ['a', 'b', 'c'].entries()) {
      process.kill(ledger.pid, 'SIGKILL');
      // Before that a call may have been taken by the program that is about to die.
      await client.fact('sessionLost', index + 1);
      assert.equal(await client.call('count', { key }), `ran ${key}`);
    }
    assert.equal(ledger.pids().length, 4);
    for (const key of ['first', 'a', 'b', 'c']) assert.equal(ledger.runs('count', key), 1);
    assert.deepEqual(client.errors, []);
  });

  it('says of a call that was cut while it ran that it may have run, and goes on', async () => {
    using ledger = new Ledger();
    await using client = await attachedTo('ledger', command, { env: { LEDGER: ledger.path } });
    assert.equal(await client.call('kill', { key: 'cut' }), 'OUTCOME_UNKNOWN');
    assert.equal(ledger.runs('kill', 'cut'), 1);
    assert.equal(await client.call('count', { key: 'after' }), 'ran after');
  });

  it('gives the program the folder and the variables that it was given, an editor’s too', async () => {
    const script = `
      const { createInterface } = require('node:readline');
      createInterface({ input: process.stdin }).on('line', (line) => {
        const { id, method } = JSON.parse(line);
        const serverInfo = { name: process.cwd(), version: process.env.VSCODE_OF_MINE + process.argv.slice(1).join() };
        const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo };
        if (method === 'initialize') console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
      });`;
    await using client = await attachedTo(
      'here',
      ['--', process.execPath, '-e', script, '--', '--name', 'x'],
      {
        env: { VSCODE_OF_MINE: 'mine' },
      },
    );
    assert.deepEqual(client.client.getServerVersion(), {
      name: realpathSync(process.cwd()),
      version: 'mine--name,x',
    });
  });

  it('ends the program when the client ends', async () => {
    using ledger = new Ledger();
    const client = await attachedTo('ledger', command, { env: { LEDGER: ledger.path } });
    await client.call('count', { key: 'a' });
    await client.client.close();
    assert.ok(!lives(ledger.pid));
  });

  it('says in words that it works alone, what the program writes, and why it cannot be started', async () => {
    using ledger = new Ledger();
    const env = { ...process.env, LEDGER: ledger.path };
    await using running = new Running(['attach', '--name', 'ledger', ...command], { env });
    running.send(initialize);
    await running.answer('init');
    assert.match(await running.line(/no hub/, 'err'), /^resilient-mcp attach: ledger: no hub is running/);
    await using missing = new Running([
      'attach',
      '--name',
      'gone',
      '--',
      'no-such-program-at-all',
      '--key',
      'x',
    ]);
    missing.send(initialize);
    const { error } = (await missing.answer('init')) as { error: { message: string; data: object } };
    assert.match(error.message, /The command "no-such-program-at-all" was not found/);
    assert.equal((error.data as { code: string }).code, 'SERVER_NOT_STARTED');
  });
});

describe('attach before an address', () => {
  it('heals as bridge does, over a server that is killed', async () => {
    await using ledger = await ledgerProcess();
    await using client = await attachedTo('ledger', [ledger.server.url]);
    await client.fact('streamOpened');
    await ledger.server.restart();
    assert.match(await client.call('append', { entry: 'a' }), /^appended a/);
    assert.equal(ledger.initializes, 2);
  });

  it('takes address and headers from variables, and shows them nowhere', async () => {
    await using server = await ScriptedServer.start();
    const args = ['--header-env', 'X-Key=RESILIENT_MCP_HEADER_1', '--url-env', 'RESILIENT_MCP_URL'];
    const url = `${server.url}?key=planted-in-url`;
    const env = { RESILIENT_MCP_HEADER_1: 'planted-in-header', RESILIENT_MCP_URL: url };
    await using client = await attachedTo('scripted', args, { env });
    assert.equal(await client.call('count', { key: 'a' }), 'ran a');
    assert.ok(server.requests.some(({ headers }) => headers['x-key'] === 'planted-in-header'));
    assert.doesNotMatch(client.log.join('\n'), /planted/);
  });
});
