import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FORMATS } from '../../../src/config/import/formats.ts';
import type { FoundServer } from '../../../src/config/import/found-server.ts';
import { MAX_CONFIG_LENGTH } from '../../../src/config/import/json-text.ts';
import { MAX_SERVERS_IN_FILE, projectsIn, readServers } from '../../../src/config/import/read-servers.ts';
import { example, placeholder } from './examples.ts';

/** The entries by name. */
function entries(servers: readonly FoundServer[]): Record<string, FoundServer['entry']> {
  return Object.fromEntries(servers.map(({ name, entry }) => [name, entry]));
}

function leftOut(servers: readonly FoundServer[]): Record<string, readonly string[]> {
  const some = servers.filter((server) => server.leftOut.length > 0);
  return Object.fromEntries(some.map(({ name, leftOut }) => [name, leftOut]));
}

describe('reading the configuration of other clients', () => {
  it('reads mcp.json of VS Code, with its comments, trailing commas and inputs', () => {
    const { servers, inputs, problems } = readServers(example('vscode'), 'vscode');
    assert.deepEqual(entries(servers), {
      github: {
        type: 'http',
        url: 'https://api.githubcopilot.com/mcp/',
        headers: { 'X-MCP-Toolsets': 'issues,pull_requests' },
      },
      notes: {
        type: 'http',
        url: `https://${placeholder('input:region')}.notes.example/mcp`,
        headers: { Authorization: `Bearer ${placeholder('env:NOTES_TOKEN')}` },
      },
      old: { type: 'sse', url: 'https://old.example/sse' },
      perplexity: {
        type: 'stdio',
        command: 'npx',
        args: ['-y', 'server-perplexity-ask'],
        env: { PERPLEXITY_API_KEY: placeholder('input:perplexity-key'), PORT: '3000' },
        envFile: `${placeholder('workspaceFolder')}/.env`,
      },
      socket: { type: 'http', url: 'unix:///tmp/server.sock#/mcp' },
    });
    assert.deepEqual(leftOut(servers), { perplexity: ['dev'] });
    assert.deepEqual(inputs, [
      { id: 'perplexity-key', description: 'Perplexity API Key', password: true },
      { id: 'region', description: 'Region', default: 'eu', options: ['eu', 'us'] },
      { id: 'account' },
    ]);
    assert.deepEqual(problems, [
      { server: 'sandboxed', message: 'runs in a sandbox of its client, which it would not have here.' },
      { server: 'broken', message: 'has the transport "websocket", which is not supported.' },
      { message: '"inputs"[2] has the type "command": its value will be asked for.' },
    ]);
  });

  it('reads .mcp.json of Claude Code, and writes variables of the environment as they are written here', () => {
    const { servers, problems } = readServers(example('claude-code'), 'claude-code');
    assert.deepEqual(problems, []);
    assert.deepEqual(entries(servers), {
      sentry: { type: 'http', url: 'https://mcp.sentry.dev/mcp' },
      'api-server': {
        type: 'http',
        url: `${placeholder('env:API_BASE_URL:-https://api.example.com')}/mcp`,
        headers: { Authorization: `Bearer ${placeholder('env:API_KEY')}` },
      },
      asana: { type: 'sse', url: 'https://mcp.asana.com/sse' },
      database: {
        type: 'stdio',
        command: `${placeholder('workspaceFolder')}/bin/db-server`,
        args: ['--config', `${placeholder('workspaceFolder')}/db.json`],
        env: { DB_URL: placeholder('env:DB_URL') },
      },
      dynamic: { type: 'http', url: 'https://mcp.internal.example.com' },
    });
    assert.deepEqual(leftOut(servers), { dynamic: ['headersHelper'] });
  });

  it('reads ~/.claude.json: the servers of the user, and by folder those of a project', () => {
    const text = example('claude-user');
    assert.deepEqual(entries(readServers(text, 'claude-user').servers), {
      github: {
        type: 'http',
        url: 'https://api.githubcopilot.com/mcp/',
        headers: { Authorization: `Bearer ${placeholder('env:GITHUB_TOKEN')}` },
      },
      files: {
        type: 'stdio',
        command: 'npx',
        args: ['-y', '@modelcontextprotocol/server-filesystem', '/home/maria'],
        env: {},
      },
    });
    assert.deepEqual(projectsIn(text, FORMATS['claude-user']), ['/home/maria/app']);
    assert.deepEqual(entries(readServers(text, 'claude-user', '/home/maria/app').servers), {
      db: {
        type: 'stdio',
        command: `${placeholder('workspaceFolder')}/bin/db-server`,
        args: [],
        env: { DB_URL: 'postgres://localhost/app' },
      },
      notes: { type: 'sse', url: 'https://notes.example/sse' },
    });
    const none = { servers: [], inputs: [], problems: [] };
    for (const other of ['/home/maria/empty', '/home/maria/no-such', '__proto__']) {
      assert.deepEqual(readServers(text, 'claude-user', other), none);
    }
  });

  it('reads claude_desktop_config.json beside its other settings', () => {
    const { servers, problems } = readServers(example('claude-desktop'), 'claude-desktop');
    assert.deepEqual(problems, []);
    assert.deepEqual(
      servers.map(({ name, entry, enabled }) => [name, entry.type, enabled]),
      [
        ['filesystem', 'stdio', true],
        ['brave-search', 'stdio', true],
        ['linear', 'stdio', true],
      ],
    );
    const { filesystem } = entries(servers);
    assert.deepEqual(filesystem, {
      type: 'stdio',
      command: 'npx',
      args: ['-y', '@modelcontextprotocol/server-filesystem', 'C:\\Users\\maria\\Documents'],
    });
  });

  it('reads mcp.json of Cursor, and tells the old transport by its path', () => {
    const { servers, problems } = readServers(example('cursor'), 'cursor');
    assert.deepEqual(problems, []);
    assert.deepEqual(
      servers.map(({ name, entry, enabled }) => [name, entry.type, enabled]),
      [
        ['context7', 'http', true],
        ['events', 'sse', true],
        ['postgres', 'stdio', true],
        ['figma', 'http', false],
      ],
    );
    assert.deepEqual(entries(servers).postgres, {
      type: 'stdio',
      command: `${placeholder('userHome')}/bin/postgres-mcp`,
      args: ['--schema', `${placeholder('workspaceFolder')}${placeholder('/')}schema.sql`],
      env: { PGPASSWORD: placeholder('env:PGPASSWORD') },
      envFile: `${placeholder('workspaceFolder')}/.env`,
    });
    assert.deepEqual(leftOut(servers), { figma: ['auth'] });
  });

  it('reads mcp_config.json of Windsurf, with its serverUrl', () => {
    const { servers, problems } = readServers(example('windsurf'), 'windsurf');
    assert.deepEqual(problems, []);
    assert.deepEqual(entries(servers)['remote-http-mcp'], {
      type: 'http',
      url: 'https://mcp.example.com/mcp',
      headers: { API_KEY: `Bearer ${placeholder('env:AUTH_TOKEN')}` },
    });
    assert.deepEqual(
      servers.filter(({ enabled }) => !enabled).map(({ name }) => name),
      ['from-file'],
    );
  });

  it('reads cline_mcp_settings.json of Cline, in which no type means SSE', () => {
    const { servers, problems } = readServers(example('cline'), 'cline');
    assert.deepEqual(problems, []);
    assert.deepEqual(
      servers.map(({ name, entry, enabled }) => [name, entry.type, enabled]),
      [
        ['local-server', 'stdio', true],
        ['remote', 'http', false],
        ['legacy', 'http', true],
        ['untyped', 'sse', true],
      ],
    );
  });

  it('tells the two shapes apart when nobody says whose file it is', () => {
    assert.deepEqual(readServers(example('vscode')), readServers(example('vscode'), 'vscode'));
    assert.deepEqual(readServers(example('claude-code')), readServers(example('claude-code'), 'claude-code'));
  });

  it('finds nothing in an empty file, or one without servers', () => {
    const none = { servers: [], inputs: [], problems: [] };
    for (const text of ['', '  \n', '// nothing yet', '{}', '{ "servers": {} }', '{ "mcpServers": null }']) {
      assert.deepEqual(readServers(text), none, text);
    }
  });

  it('takes a byte order mark for what it is', () => {
    assert.equal(readServers(`\uFEFF${example('claude-desktop')}`).servers.length, 3);
  });

  it('says in which line and column a file is no JSON', () => {
    const { servers, problems } = readServers(
      '{\n  "servers": {\n    "a" { "url": "http://localhost/mcp" }\n  }\n}',
    );
    assert.deepEqual(servers, []);
    assert.deepEqual(problems, [{ message: 'The file is no JSON: colon expected, line 3, column 9.' }]);
  });

  for (const [what, text, message] of [
    ['a list', '[]', 'The file must hold an object.'],
    [
      'servers that are a list',
      '{ "servers": [] }',
      '"servers" must be an object: server names and entries.',
    ],
  ] as const) {
    it(`refuses ${what}`, () => assert.deepEqual(readServers(text).problems, [{ message }]));
  }

  for (const [what, entry, message] of [
    ['a text', '"npx"', 'must be an object.'],
    ['nothing to connect to', '{ "args": [] }', 'has neither a "url" nor a "command".'],
    ['a URL that is no text', '{ "url": 7 }', '"url" must be a text.'],
    ['a process without a command', '{ "type": "stdio" }', 'has no "command".'],
    ['an endpoint without a URL', '{ "type": "http" }', 'has no "url".'],
    ['args in one text', '{ "command": "a", "args": "-y" }', '"args" must be a list of texts.'],
    ['an object among args', '{ "command": "a", "args": [{}] }', '"args" must hold texts only.'],
    [
      'a list of headers',
      '{ "url": "http://a", "headers": [] }',
      '"headers" must be an object of names and texts.',
    ],
  ] as const) {
    it(`names the server whose entry is ${what}, and keeps the others`, () => {
      const { servers, problems } = readServers(
        `{ "servers": { "bad": ${entry}, "good": { "url": "http://localhost/mcp" } } }`,
      );
      assert.deepEqual(problems, [{ server: 'bad', message }]);
      assert.deepEqual(
        servers.map(({ name }) => name),
        ['good'],
      );
    });
  }

  it('says that a name stands twice, and takes the last as every client does', () => {
    const { servers, problems } = readServers(
      '{ "mcpServers": { "a": { "command": "one" }, "b": { "command": "b" }, "a": { "command": "two" } } }',
    );
    assert.deepEqual(problems, [{ server: 'a', message: 'stands twice in the file. The last one counts.' }]);
    assert.deepEqual(entries(servers).a, { type: 'stdio', command: 'two' });
  });

  it('names an input that can’t be used, and reads the others', () => {
    const { inputs, problems } = readServers(
      '{ "inputs": [{ "description": "no id" }, { "id": "key" }], "servers": {} }',
    );
    assert.deepEqual(inputs, [{ id: 'key' }]);
    assert.match(problems[0]?.message ?? '', /^"inputs"\[0\] is no definition of an input/);
    assert.deepEqual(readServers('{ "inputs": {}, "servers": {} }').problems, [
      { message: '"inputs" must be a list.' },
    ]);
  });

  it('reads a name that means something to JavaScript as a name', () => {
    const { servers } = readServers(
      '{ "servers": { "__proto__": { "command": "a" }, "constructor": { "command": "b" } } }',
    );
    assert.deepEqual(
      servers.map(({ name }) => name),
      ['__proto__', 'constructor'],
    );
    assert.equal(({} as Record<string, unknown>).command, undefined);
  });

  it('stops at its bounds, and says so', () => {
    const many = Array.from({ length: MAX_SERVERS_IN_FILE + 1 }, (_, n) => [`s${n}`, { command: 'a' }]);
    const { servers, problems } = readServers(JSON.stringify({ servers: Object.fromEntries(many) }));
    assert.equal(servers.length, MAX_SERVERS_IN_FILE);
    assert.match(problems[0]?.message ?? '', /more than 256 servers/);
    assert.match(readServers(' '.repeat(MAX_CONFIG_LENGTH + 1)).problems[0]?.message ?? '', /longer than/);
    assert.match(readServers('['.repeat(MAX_CONFIG_LENGTH)).problems[0]?.message ?? '', /nested too deeply/);
  });

  it('answers any text and any JSON without throwing', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void readServers(text)));
    const file = fc.record({ servers: fc.anything(), mcpServers: fc.anything(), inputs: fc.anything() });
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), file), (value) => {
        const text = JSON.stringify(value) ?? '';
        for (const format of ['vscode', 'claude-code', 'windsurf', 'cline'] as const)
          readServers(text, format);
      }),
    );
  });
});
