import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { until } from '../../harness/until.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { textOf } from '../support/sdk-client.ts';
import { Ledger, programPath } from '../support/stdio/ledger.ts';
import { Running } from './running.ts';

const SECRET = 'planted-secret-value';

describe('protect and unprotect', () => {
  let scratch: ScratchFolder;
  let env: Record<string, string>;

  beforeEach(() => {
    scratch = scratchFolder();
    const home = scratch.file('home');
    mkdirSync(home);
    env = {
      ...(process.env as Record<string, string>),
      HOME: home,
      USERPROFILE: home,
      APPDATA: join(home, 'AppData', 'Roaming'),
      LOCALAPPDATA: join(home, 'state'),
      XDG_STATE_HOME: join(home, 'state'),
      XDG_CONFIG_HOME: join(home, '.config'),
    };
    delete env.CLAUDE_CONFIG_DIR;
    delete env.CLINE_MCP_SETTINGS_PATH;
  });

  afterEach(() => scratch[Symbol.dispose]());

  function file(name: string, text: string): string {
    const path = scratch.file(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  async function cli(...args: string[]) {
    await using running = new Running(args, { env });
    running.input.end();
    const code = await running.exitCode;
    return { code, out: running.out.join('\n'), err: running.err.join('\n') };
  }

  /** Where the record is kept; its folder is another one on macOS. */
  function recordFile(): string {
    const mac = join(env.HOME ?? '', 'Library', 'Application Support');
    return join(
      process.platform === 'darwin' ? mac : join(env.HOME ?? '', 'state'),
      'resilient-mcp',
      'protected.json',
    );
  }

  const ledgerEntry = (ledger: Ledger) =>
    JSON.stringify({ command: process.execPath, args: [programPath], env: { LEDGER: ledger.path } });

  it('leads an entry of a real .mcp.json through attach: its program is killed, and the client’s session goes on', async () => {
    using ledger = new Ledger();
    const text = `\uFEFF{\r\n  // ours\r\n  "mcpServers": {\r\n    "ledger": ${ledgerEntry(ledger)}, // kept\r\n  },\r\n}\r\n`;
    const path = file('project/.mcp.json', text);
    chmodSync(path, 0o640);
    const { code, err } = await cli('protect', 'ledger', '--file', path, '--yes');
    assert.equal(code, 0, err);
    if (process.platform !== 'win32') assert.equal(statSync(path).mode & 0o777, 0o640);
    assert.deepEqual(readdirSync(dirname(path)), ['.mcp.json']);

    // As a client reads it, without the comments.
    const plain = readFileSync(path, 'utf8')
      .replace(/^\uFEFF/, '')
      .replaceAll(/\/\/ (?:ours|kept)/g, '')
      .replaceAll(/,(\s*\})/g, '$1');
    const { command, args, env: own } = JSON.parse(plain).mcpServers.ledger;
    assert.deepEqual(args.slice(1, 5), ['attach', '--name', 'ledger', '--']);
    const transport = new StdioClientTransport({ command, args, env: { ...env, ...own }, stderr: 'pipe' });
    const listeners = new Set<() => void>();
    let log = '';
    transport.stderr?.on('data', (part) => {
      log += part;
      for (const listener of listeners) listener();
    });
    const client = new Client({ name: 'a client', version: '1.0.0' });
    await client.connect(transport as Parameters<Client['connect']>[0]);
    try {
      const call = async (key: string) =>
        textOf(await client.callTool({ name: 'count', arguments: { key } }));
      assert.equal(await call('before'), 'ran before');
      process.kill(ledger.pid, 'SIGKILL');
      await until<void>(
        (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        () => log.includes('session lost'),
        { what: `the end of the program; the log is: ${log}` },
      );
      assert.equal(await call('after'), 'ran after');
      assert.equal(ledger.pids().length, 2);
    } finally {
      await client.close();
    }

    // It is known where protect has written.
    const back = await cli('unprotect', 'ledger', '--yes');
    assert.equal(back.code, 0, back.err);
    assert.equal(readFileSync(path, 'utf8'), text);
    assert.deepEqual(JSON.parse(readFileSync(recordFile(), 'utf8')).entries, []);
  });

  it('lists what there is without arguments, in a table and as JSON, and writes nothing', async () => {
    const claude = file(
      'home/.claude.json',
      JSON.stringify({
        mcpServers: { mine: { type: 'stdio', command: 'x', env: { API_KEY: SECRET } } },
        projects: {
          '/srv/app': {
            mcpServers: {
              'of-app': { command: 'resilient-mcp', args: ['attach', '--name', 'of-app', '--', 'y'] },
            },
          },
        },
      }),
    );
    file('home/.cursor/mcp.json', '{ "mcpServers": { "broken": {} } }');
    const { code, out } = await cli('protect');
    assert.equal(code, 0);
    assert.match(out, /^FILE +SERVER +STATE$/m);
    assert.match(out, /\.claude\.json +mine +not protected$/m);
    assert.match(out, /\.claude\.json \(\/srv\/app\) +of-app +protected$/m);
    assert.match(out, /mcp\.json +broken +cannot be protected: has neither/m);
    assert.doesNotMatch(out, new RegExp(SECRET));
    const rows = JSON.parse((await cli('protect', '--json')).out);
    const mine = rows.find((row: { server: string }) => row.server === 'mine');
    assert.deepEqual(mine, {
      ...mine,
      file: claude,
      client: 'claude-user',
      protected: false,
      state: 'not protected',
    });
    assert.throws(() => statSync(recordFile()));
  });

  it('shows what it would write, without a secret, and writes nothing in a dry run or where nobody can be asked', async () => {
    const text = JSON.stringify(
      {
        mcpServers: {
          a: { command: 'x', env: { API_KEY: SECRET } },
          b: { url: 'http://localhost/mcp', headers: { Authorization: `Bearer ${SECRET}` } },
        },
      },
      null,
      2,
    );
    const path = file('mcp.json', text);
    const dry = await cli('protect', '--all', '--file', path, '--dry-run');
    assert.equal(dry.code, 0, dry.err);
    assert.match(dry.out, /^- +"command": "x",$/m);
    assert.match(dry.out, /^\+ .*"attach", "--name", "a", "--", "x"/m);
    assert.match(dry.out, /A literal secret stays in this file: API_KEY/);
    const asked = await cli('protect', '--all', '--file', path);
    assert.equal(asked.code, 1);
    assert.match(asked.err, /is not written: nobody can be asked here\. Use --yes/);
    const json = await cli('protect', 'a', '--file', path, '--json', '--dry-run');
    assert.deepEqual(
      JSON.parse(json.out).map(({ server, written }: { server: string; written: boolean }) => [
        server,
        written,
      ]),
      [['a', false]],
    );
    assert.doesNotMatch([dry, asked, json].map(({ out, err }) => out + err).join(), new RegExp(SECRET));
    assert.equal(readFileSync(path, 'utf8'), text);
  });

  it('keeps secrets out of arguments, and the way back to this user', async () => {
    const entry = { url: `http://localhost/mcp?api_key=${SECRET}`, headers: { 'X-Token': SECRET } };
    const path = file('mcp.json', JSON.stringify({ mcpServers: { a: entry } }));
    assert.equal((await cli('protect', 'a', '--file', path, '--yes')).code, 0);
    const { args } = JSON.parse(readFileSync(path, 'utf8')).mcpServers.a;
    assert.doesNotMatch(JSON.stringify(args), new RegExp(SECRET));
    if (process.platform === 'win32') return;
    assert.equal(statSync(recordFile()).mode & 0o777, 0o600);
    assert.equal(statSync(dirname(recordFile())).mode & 0o777, 0o700);
    chmodSync(recordFile(), 0o644);
    const refused = await cli('unprotect', 'a', '--file', path, '--yes');
    assert.equal(refused.code, 1);
    assert.match(refused.err, /can be read by other users/);
  });

  it('touches no file of another program, and none in git, that was not named', async () => {
    const cursor = file('home/.cursor/mcp.json', '{ "mcpServers": { "a": { "command": "x" } } }');
    const { code, err } = await cli('protect', 'a', '--yes');
    assert.equal(code, 1);
    assert.match(err, /"a" stands in a file that is Cursor’s\. Name it: --file /);
    assert.equal((await cli('protect', '--all', '--yes')).code, 0);
    assert.doesNotMatch(readFileSync(cursor, 'utf8'), /attach/);
    assert.equal((await cli('protect', 'a', '--yes', '--file', cursor)).code, 0);
    assert.match(readFileSync(cursor, 'utf8'), /attach/);
  });

  it('writes an entry for a file in git that others can start too', async () => {
    mkdirSync(scratch.file('.git'));
    const path = file('.mcp.json', '{ "mcpServers": { "a": { "command": "x" } } }');
    assert.equal((await cli('protect', 'a', '--yes', '--file', path)).code, 0);
    assert.match(
      readFileSync(path, 'utf8'),
      /"resilient-mcp@\d+\.\d+\.\d+", "attach", "--name", "a", "--", "x"/,
    );
    assert.doesNotMatch(readFileSync(path, 'utf8'), /main/);
  });

  it('leaves with --all what may want a sign-in, and says so', async () => {
    const path = file(
      'mcp.json',
      JSON.stringify({ mcpServers: { a: { url: 'https://a.example/mcp' }, b: { command: 'x' } } }),
    );
    const { code, err } = await cli('protect', '--all', '--yes', '--file', path);
    assert.equal(code, 0, err);
    assert.match(err, /"a" may want a sign-in/);
    const { a, b } = JSON.parse(readFileSync(path, 'utf8')).mcpServers;
    assert.deepEqual([a.url, b.args.includes('attach')], ['https://a.example/mcp', true]);
  });

  it('takes attach out without a record too', async () => {
    const path = file(
      'mcp.json',
      '{ "mcpServers": { "a": { "command": "npx", "args": ["-y", "resilient-mcp", "attach", "--name", "a", "--", "x", "y"] } } }',
    );
    assert.equal((await cli('unprotect', '--all', '--yes', '--file', path)).code, 0);
    assert.equal(readFileSync(path, 'utf8'), '{ "mcpServers": { "a": { "command": "x", "args": ["y"] } } }');
  });

  it('says what is wrong: a name that no file has, a file that is not there, is no text, is no JSON', async () => {
    const path = file('mcp.json', '{ "mcpServers": { "notes": { "command": "x" } } }');
    const bytes = scratch.file('bytes.json');
    writeFileSync(bytes, Buffer.from([0x7b, 0xff, 0x7d]));
    for (const [args, says] of [
      [['protect', 'nots', '--file', path], /no file names a server "nots"\. Did you mean notes\?/],
      [['protect', 'a', '--file', scratch.file('none.json')], /none\.json cannot be read/],
      [['protect', 'a', '--file', bytes], /bytes\.json cannot be read/],
    ] as const) {
      const { code, err } = await cli(...args);
      assert.equal(code, 1, err);
      assert.match(err, says);
      assert.doesNotMatch(err, /^\s+at /m);
    }
    for (const [args, says] of [
      [['protect', 'a', '--all'], /names and --all exclude each other/],
      [['protect', 'notes', '--file', path, '--with', 'magic'], /--with must be here or npx/],
      [['unprotect', '--al'], /Did you mean --all\?/],
    ] as const) {
      const { code, err } = await cli(...args);
      assert.equal(code, 2, err);
      assert.match(err, says);
    }
  });
});
