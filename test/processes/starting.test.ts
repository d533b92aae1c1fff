import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../harness/until.ts';
import { isResilientMcpError, type JournalEntry } from '../../src/client/index.ts';
import type { StdioServerConfig } from '../../src/config/server-config.ts';
import { transportOpener } from '../../src/hub/open/open-transport.ts';
import { connectedBy } from '../support/connected.ts';
import { HeldClock } from '../support/held-clock.ts';
import {
  Ledger,
  ledgerClient,
  ledgerEntry,
  lives,
  openLedger,
  programPath,
} from '../support/stdio/ledger.ts';

describe('a program that cannot be started', () => {
  const ledger = new Ledger();
  const file = (name: string, text: string, mode: number) => {
    const path = join(ledger.folder, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };
  after(() => ledger[Symbol.dispose]());

  /** The words with which an entry is refused. */
  async function refusal(entry: Partial<StdioServerConfig>, connectPatienceMs = 3000): Promise<string> {
    const transport = openLedger(ledger, { entry, connectPatienceMs });
    const error = await connectedBy(transport).then(
      () => assert.fail('it was connected'),
      (reason: unknown) => reason,
    );
    assert.ok(isResilientMcpError(error, 'SERVER_NOT_STARTED'), String(error));
    await transport.close();
    return error.message;
  }

  it('is told at once, with what to do about it', async () => {
    assert.equal(
      await refusal({ command: 'no-such-program' }),
      'The command "no-such-program" was not found. Install it, or give its whole path in "command".',
    );
    assert.equal(
      await refusal({ command: 'no-such-program --flag' }),
      'The command "no-such-program --flag" was not found. Put its arguments into "args".',
    );
    const cwd = join(ledger.folder, 'nowhere');
    assert.equal(
      await refusal({ cwd }),
      `The folder ${JSON.stringify(cwd)} is not there, so nothing can be started in it. Check "cwd".`,
    );
  });

  it('is told from one that may not be run', async function () {
    if (process.platform === 'win32') this.skip();
    const path = file('plain.txt', 'no program', 0o644);
    assert.match(
      await refusal({ command: path }),
      /may not be run \(permission denied\)\. Make it executable/,
    );
    mkdirSync(join(ledger.folder, 'folder'));
    assert.match(await refusal({ command: join(ledger.folder, 'folder') }), /is a folder\. Give the path/);
    const script = file('script', '#!/no/such/interpreter\n', 0o755);
    assert.match(
      await refusal({ command: script }),
      /the interpreter that its first line names was not found/,
    );
  });

  it('is told with its exit code and its last words when it ends at once', async () => {
    const args = ['-e', 'console.error("first"); console.error("no key was given"); process.exit(7)'];
    assert.equal(
      await refusal({ args }, 0),
      'The program ended with exit code 7 before it had answered: no key was given',
    );
    assert.equal(
      await refusal({ args: ['-e', 'process.kill(process.pid, "SIGKILL")'] }, 0),
      'The program was ended by SIGKILL before it had answered',
    );
    assert.match(await refusal({ args: ['/no/such/file.js'] }, 0), /exit code 1 .*: Node\.js v/);
  });

  it('is tried again for as long as it is wanted, and connected when it can be', async () => {
    const transport = openLedger(ledger, {
      connectPatienceMs: Number.POSITIVE_INFINITY,
      entry: { args: ['-e', 'require(process.env.LEDGER + ".program")'] },
    });
    const connecting = connectedBy(transport);
    await new Promise<void>((resolve) => {
      const told = transport.journal.subscribe((entry) => {
        if (entry.kind !== 'attemptFailed' || entry.attempt < 3) return;
        told.dispose();
        resolve();
      });
    });
    const failed = transport.journal.entries.flatMap((entry) =>
      entry.kind === 'attemptFailed' ? [entry] : [],
    );
    assert.match(failed[0]?.reason ?? '', /ended with exit code 1 before it had answered/);
    const path = JSON.stringify(join(import.meta.dirname, '../support/stdio/ledger-program.ts'));
    writeFileSync(`${ledger.path}.program`, `import(${path})`);
    await using scenario = await connecting;
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });

  it('is waited for while it starts slowly, and started once', async () => {
    const slow = new Ledger();
    const clock = new HeldClock();
    // What a package runner does while it downloads.
    const waits = `
      const { existsSync, watch } = require('node:fs');
      const go = process.env.LEDGER + '.go';
      const begin = () => { if (existsSync(go)) { watching.close(); import(${JSON.stringify(programPath)}); } };
      const watching = watch(require('node:path').dirname(go), begin);
      console.error('waits');
      begin();`;
    const transport = openLedger(slow, { environment: { clock }, entry: { args: ['-e', waits] } });
    const connecting = connectedBy(transport);
    const waiting = () =>
      transport.journal.entries.filter((entry) => entry.kind === 'serverWrote' && entry.text === 'waits');
    await until<JournalEntry>(
      (listener) => transport.journal.subscribe(listener),
      () => waiting().length > 0,
      { what: 'the start of the program' },
    );
    await clock.advance(120_000);
    writeFileSync(`${slow.path}.go`, '');
    await using scenario = await connecting;
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(waiting().length, 1);
    const closing = scenario.client.close();
    await clock.advance(2000);
    await closing;
    slow[Symbol.dispose]();
  });

  it('is ended when it starts and says nothing', async () => {
    const silent =
      'require("fs").appendFileSync(process.env.LEDGER, "started " + process.pid + "\\n"); setInterval(() => {}, 9)';
    const transport = openLedger(ledger, {
      connectPatienceMs: 0,
      closeTimeoutMs: 50,
      recovery: { attemptTimeoutMs: 50, openLimitMs: 500 },
      entry: { args: ['-e', silent] },
    });
    await assert.rejects(connectedBy(transport), {
      code: 'SERVER_UNAVAILABLE',
      message: /no answer within 500 ms/,
    });
    await transport.close();
    assert.deepEqual(ledger.pids().filter(lives), []);
  });

  it('is refused in words where no process may be started', () => {
    assert.throws(() => transportOpener({})(ledgerEntry(ledger)), {
      code: 'INVALID_CONFIGURATION',
      message: 'A server of type "stdio" is a local process, and none can be started here.',
    });
  });
});

describe('a program that is started', () => {
  it('gets its variables, its arguments as they are, and its folder', async () => {
    const ledger = new Ledger();
    mkdirSync(join(ledger.folder, 'sub folder'));
    const script = `
      console.error(JSON.stringify([process.env.OWN, process.env.PATH !== undefined, process.cwd(), process.argv.slice(1)]));
      process.exit(1)`;
    const transport = openLedger(ledger, {
      connectPatienceMs: 0,
      entry: {
        args: ['-e', script, 'a b', '$HOME', '"quoted"'],
        env: { OWN: 'is 1' },
        cwd: join(ledger.folder, 'sub folder'),
      },
    });
    await assert.rejects(connectedBy(transport), (error: Error) => {
      const told = JSON.parse(error.message.slice(error.message.indexOf('[')));
      assert.deepEqual(told.slice(0, 2), ['is 1', true]);
      assert.match(told[2], /sub folder$/);
      assert.deepEqual(told[3], ['a b', '$HOME', '"quoted"']);
      return true;
    });
    await transport.close();
    ledger[Symbol.dispose]();
  });

  it('shows what it writes to its standard error, but none of the secrets that it was given', async () => {
    const secret = 'a-long-secret-value';
    await using scenario = await ledgerClient({
      env: { API_KEY: secret },
      entry: {
        args: [
          '-e',
          tellingProgram,
          '--',
          '--token',
          'another-secret-value',
          '--header=X-Api-Key: the-third',
        ],
      },
    });
    await scenario.tells('env ***');
    await scenario.tells('args --token *** --header=X-Api-Key: ***');
    assert.doesNotMatch(JSON.stringify(scenario.transport.journal.entries), /secret-value|the-third/);
  });

  it('may write as much as it likes, and fills neither the journal nor a line', async () => {
    await using scenario = await ledgerClient({ entry: { args: ['-e', chatteringProgram] } });
    await scenario.client.ping();
    const told = scenario.facts('serverWrote');
    assert.ok(told.length < 200, `${told.length} lines`);
    const lines = told.map((fact) => (fact.kind === 'serverWrote' ? fact.text : ''));
    assert.ok(lines.every(({ length }) => length <= 501));
    assert.ok(lines.includes(`${'y'.repeat(500)}…`));
  });
});

const answering = `
  const lines = require('readline').createInterface({ input: process.stdin });
  lines.on('close', () => process.exit(0));
  lines.on('line', (line) => {
    const { id, method } = JSON.parse(line);
    const serverInfo = { name: 'small', version: '1' };
    const result = method === 'initialize' ? { protocolVersion: '2025-11-25', capabilities: {}, serverInfo } : {};
    if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
  });`;

const tellingProgram = `${answering}
  console.error('env ' + process.env.API_KEY);
  console.error('args ' + process.argv.slice(1).join(' '));`;

const chatteringProgram = `${answering}
  console.error('y'.repeat(100000));
  for (let i = 0; i < 20000; i++) console.error('line ' + i);`;
