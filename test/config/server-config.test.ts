import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseServers } from '../../src/config/server-config.ts';
import { CONFIG_LIMITS } from '../../src/config/server-entry.ts';

const good = { url: 'http://localhost:3000/mcp' };

/** `before${name}`, as other MCP configurations write what they replace. */
const placeholder = (before: string, name: string) => `${before}$` + `{${name}}`;

/** The problems of one entry named "s", as `key: message` with the common start of the key left out. */
function problemsOf(entry: unknown): string[] {
  return parseServers({ s: entry }).problems.map(({ key, message }) => {
    assert.ok(key.startsWith('resilientMcp.servers["s"]'), key);
    return `${key.slice('resilientMcp.servers["s"]'.length)} ${message}`;
  });
}

/** What an entry has that says nothing of it. */
const common = { replay: { default: 'hints', tools: {} }, shared: false };
const usual = { type: 'http', ...common, endSession: true };

describe('the setting resilientMcp.servers', () => {
  it('is empty when it was never written', () => {
    assert.deepEqual(parseServers(undefined), { servers: [], problems: [], waiting: [] });
    assert.deepEqual(parseServers({}), { servers: [], problems: [], waiting: [] });
  });

  it('gives each server in the order of the setting', () => {
    const { servers, problems } = parseServers({
      local: good,
      github: { url: 'https://api.example.com/mcp?team=a', headers: { Authorization: 'Bearer t' } },
    });
    assert.deepEqual(problems, []);
    assert.deepEqual(servers, [
      { name: 'local', url: 'http://localhost:3000/mcp', headers: {}, ...usual },
      {
        name: 'github',
        url: 'https://api.example.com/mcp?team=a',
        headers: { Authorization: 'Bearer t' },
        ...usual,
      },
    ]);
  });

  it('leaves a disabled server out, without a problem', () => {
    assert.deepEqual(parseServers({ s: { ...good, enabled: false } }), {
      servers: [],
      problems: [],
      waiting: [],
    });
    assert.equal(parseServers({ s: { ...good, enabled: true } }).servers.length, 1);
  });

  it('reports a bad entry with its exact key path and keeps the good ones', () => {
    const { servers, problems } = parseServers({
      github: { url: 'localhost:3000' },
      local: good,
      'my "odd" name': { url: 7 },
    });
    assert.deepEqual(
      servers.map((server) => server.name),
      ['local'],
    );
    assert.deepEqual(
      problems.map((problem) => problem.key),
      ['resilientMcp.servers["github"].url', 'resilientMcp.servers["my \\"odd\\" name"].url'],
    );
    assert.match(problems[0]?.message ?? '', /full http:\/\/ or https:\/\/ address, such as/);
  });

  for (const [what, value] of [
    ['a list', []],
    ['a string', 'http://localhost'],
    ['a number', 1],
  ] as const) {
    it(`says what it must be when it is ${what}`, () => {
      assert.deepEqual(parseServers(value), {
        servers: [],
        problems: [
          {
            key: 'resilientMcp.servers',
            message:
              'must be an object: server names, each with at least a "url", a "command" or a "module".',
          },
        ],
        waiting: [],
      });
    });
  }

  for (const [entry, key, words] of [
    ['http://localhost', '', /must be an object such as \{ "url"/],
    [null, '', /must be an object such as/],
    [[], '', /must be an object such as/],
    [{}, '', /needs a "url" \(a server at an address\), a "command" \(a program\) or a "module" \(a file\)/],
    [{ url: 7 }, '.url', /must be a string: the http/],
    [{ ...good, type: 'https' }, '.type', /must be "http", "sse", "stdio" or "module"/],
    [{ ...good, command: 'npx' }, '', /holds "url" and "command". Keep the one that is meant/],
    [{ type: 'sse' }, '.url', /is missing. A server of type "sse" needs it, such as "http/],
    [{ type: 'streamableHttp' }, '.url', /A server of type "streamableHttp" needs it/],
    [{ type: 'stdio', args: ['a'] }, '.command', /is missing. A server of type "stdio" needs it/],
    [{ type: 'module' }, '.module', /is missing/],
    [{ command: ' ' }, '.command', /is empty/],
    [{ command: 'a\0b' }, '.command', /NUL/],
    [{ command: 'a'.repeat(4097) }, '.command', /longer than 4096/],
    [{ command: placeholder('', 'workspaceFolder') }, '.command', /not replaced here/],
    [{ command: 'a', args: 'b' }, '.args', /must be a list of strings/],
    [{ command: 'a', args: ['b', 3] }, '.args[1]', /must be a string/],
    [{ command: 'a', args: ['b'.repeat(8193)] }, '.args[0]', /longer than 8192/],
    [{ command: 'a', args: Array(257).fill('b') }, '.args', /must not hold more than 256 arguments/],
    [{ command: 'a', env: { 'A=B': 'c' } }, '.env["A=B"]', /not the name of a variable/],
    [{ command: 'a', env: { A: 'c\0' } }, '.env.A', /NUL/],
    [{ command: 'a', env: { A: true } }, '.env.A', /must be a string/],
    [{ command: 'a', env: { A: placeholder('', 'input:key') } }, '.env.A', /not replaced here/],
    [{ command: 'a', inheritEnv: 'PATH' }, '.inheritEnv', /must be a list of names of variables/],
    [{ command: 'a', inheritEnv: ['A=B'] }, '.inheritEnv[0]', /not the name of a variable/],
    [{ command: 'a', cwd: '' }, '.cwd', /is empty/],
    [{ command: 'a', shared: 1 }, '.shared', /must be true or false/],
    [{ url: '' }, '.url', /full http:/],
    [{ url: 'ftp://host/mcp' }, '.url', /full http:/],
    [{ url: 'file:///etc/passwd' }, '.url', /full http:/],
    [{ url: '/mcp' }, '.url', /full http:/],
    [{ url: 'http://me:secret@host/mcp' }, '.url', /user name or password.*"headers" as "Authorization"/],
    [{ url: 'http://me@host/mcp' }, '.url', /user name or password/],
    [
      { url: placeholder('https://host/', 'env:PATH_OF_MCP') },
      '.url',
      /"\$\{env:PATH_OF_MCP\}", which is not replaced here/,
    ],
    [{ url: `http://host/${'a'.repeat(2048)}` }, '.url', /longer than 2048/],
    [{ ...good, enabled: 'yes' }, '.enabled', /must be true or false/],
    [{ ...good, headers: 'a: b' }, '.headers', /must be an object of header names and values/],
    [{ ...good, replay: { default: 'sometimes' } }, '.replay.default', /"hints", "always" or "never"/],
    [
      { ...good, replay: { tools: { search: true } } },
      '.replay.tools.search',
      /"hints", "always" or "never"/,
    ],
    [{ ...good, replay: 'never' }, '.replay', /must be an object such as/],
    [{ ...good, endSession: 'no' }, '.endSession', /must be true or false/],
    [{ ...good, headers: { Authorization: 5 } }, '.headers.Authorization', /must be a string/],
    [{ ...good, headers: { 'X-A': 'b\r\nX-C: d' } }, '.headers["X-A"]', /must not hold line breaks/],
    [{ ...good, headers: { 'X-A': 'snow ☃' } }, '.headers["X-A"]', /beyond Latin-1/],
    [{ ...good, headers: { 'X-A': 'a'.repeat(8193) } }, '.headers["X-A"]', /longer than 8192/],
    [
      { ...good, headers: { 'X-A': placeholder('Bearer ', 'input:token') } },
      '.headers["X-A"]',
      /not replaced here/,
    ],
    [{ ...good, headers: { 'X A': 'b' } }, '.headers["X A"]', /not a header name/],
    [{ ...good, headers: { 'X-A\r\nX-B': 'b' } }, '.headers["X-A\\r\\nX-B"]', /not a header name/],
    [{ ...good, headers: { '': 'b' } }, '.headers[""]', /not a header name/],
    [
      { ...good, headers: { 'Mcp-Session-Id': 'b' } },
      '.headers["Mcp-Session-Id"]',
      /set by the connection itself/,
    ],
    [{ ...good, headers: { A: '1', a: '2' } }, '.headers.a', /stands twice/],
  ] as const) {
    it(`refuses ${JSON.stringify(entry).slice(0, 70)}`, () => {
      const [problem, ...rest] = problemsOf(entry);
      assert.deepEqual(rest, []);
      assert.ok(problem?.startsWith(`${key} `), problem);
      assert.match(problem ?? '', words);
      assert.deepEqual(parseServers({ s: entry }).servers, []);
    });
  }

  it('names an unknown key and still connects the server', () => {
    const { servers, problems } = parseServers({ s: { ...good, header: { A: 'b' }, 'time out': 5 } });
    assert.equal(servers.length, 1);
    assert.deepEqual(problems, [
      {
        key: 'resilientMcp.servers["s"].header',
        message:
          'is not known and is ignored. Known are type, url, headers, command, args, env, envFile, inheritEnv, cwd, module, enabled, shared, replay, endSession.',
      },
      {
        key: 'resilientMcp.servers["s"]["time out"]',
        message:
          'is not known and is ignored. Known are type, url, headers, command, args, env, envFile, inheritEnv, cwd, module, enabled, shared, replay, endSession.',
      },
    ]);
  });

  it('reports every fault of an entry at once', () => {
    assert.deepEqual(
      problemsOf({ url: 'nowhere', headers: { 'a b': 'c\n' }, enabled: 1 }).map((line) => line.split(' ')[0]),
      ['.url', '.headers["a', '.headers["a', '.enabled'],
    );
  });

  it('bounds names, and shows only the start of one that is too long', () => {
    const name = 'n'.repeat(CONFIG_LIMITS.nameLength);
    assert.equal(parseServers({ [name]: good }).servers.length, 1);
    const [problem] = parseServers({ [`${name}n`]: good }).problems;
    assert.match(problem?.message ?? '', /name of 65 characters. Use at most 64/);
    assert.ok((problem?.key.length ?? 0) < 100);
  });

  for (const name of ['', '  ', 'a\nb', 'a\u202eb', 'a\u0000']) {
    it(`refuses the name ${JSON.stringify(name)}`, () => {
      const { servers, problems } = parseServers({ [name]: good });
      assert.deepEqual([servers.length, problems.length], [0, 1]);
    });
  }

  it('bounds the number of servers and of headers', () => {
    const many = Object.fromEntries(Array.from({ length: 66 }, (_, i) => [`s${i}`, good]));
    const { servers, problems } = parseServers(many);
    assert.equal(servers.length, 64);
    assert.match(problems[0]?.message ?? '', /more than 64 servers. The last 2 are not connected/);
    const headers = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`x-${i}`, 'v']));
    assert.match(problemsOf({ ...good, headers })[0] ?? '', /^\.headers must not hold more than 32/);
  });

  it('takes the replay policy of a server and of its tools, and whether its session is to be ended', () => {
    const replay = { default: 'never', tools: { search: 'always' } };
    const { servers, problems } = parseServers({ a: { ...good, replay, endSession: false } });
    assert.deepEqual(problems, []);
    assert.deepEqual(servers, [
      { ...usual, name: 'a', url: good.url, headers: {}, replay, endSession: false },
    ]);
  });

  it('tells the type by its key, and takes the names that other programs have for it', () => {
    const typeOf = (entry: object) => parseServers({ s: entry }).servers[0]?.type;
    assert.equal(typeOf(good), 'http');
    assert.equal(typeOf({ command: 'npx' }), 'stdio');
    assert.equal(typeOf({ module: './server.ts' }), 'module');
    for (const type of ['http', 'streamable-http', 'streamableHttp'])
      assert.equal(typeOf({ ...good, type }), 'http');
    assert.equal(typeOf({ ...good, type: 'sse' }), 'sse');
  });

  it('takes what each type of server needs, and fills in the rest', () => {
    const { servers, problems } = parseServers({
      old: { type: 'sse', url: 'http://localhost:3000/sse', headers: { A: 'b' } },
      bare: { command: 'npx' },
      full: { command: 'npx', args: ['-y', 'pkg'], env: { PORT: 3000, KEY: 'k' }, cwd: '/srv', shared: true },
      file: { module: './server.ts', env: { A: '1' } },
    });
    assert.deepEqual(problems, []);
    assert.deepEqual(servers, [
      { type: 'sse', name: 'old', ...common, url: 'http://localhost:3000/sse', headers: { A: 'b' } },
      { type: 'stdio', name: 'bare', ...common, command: 'npx', args: [], env: {}, cwd: undefined },
      {
        type: 'stdio',
        name: 'full',
        ...common,
        shared: true,
        command: 'npx',
        args: ['-y', 'pkg'],
        env: { PORT: '3000', KEY: 'k' },
        cwd: '/srv',
      },
      { type: 'module', name: 'file', ...common, module: './server.ts', env: { A: '1' } },
    ]);
  });

  it('names a key that a server of its type has no use for, and still connects it', () => {
    const { servers, problems } = parseServers({ s: { type: 'stdio', command: 'a', ...good, headers: {} } });
    assert.equal(servers[0]?.type, 'stdio');
    assert.deepEqual(
      problems.map(({ key, message }) => [key, message]),
      ['url', 'headers'].map((key) => [
        `resilientMcp.servers["s"].${key}`,
        'is not used by a server of type "stdio" and is ignored.',
      ]),
    );
  });

  it("lets a workspace add servers and switch the user's", () => {
    const user = { a: { ...good, headers: { Authorization: 'Bearer t' } }, b: good };
    const { servers, problems } = parseServers(user, {
      b: { enabled: false },
      a: { shared: true },
      c: { url: 'http://c/' },
    });
    assert.deepEqual(problems, []);
    assert.deepEqual(servers, [
      { name: 'a', url: good.url, headers: user.a.headers, ...usual, shared: true },
      { name: 'c', url: 'http://c/', headers: {}, ...usual },
    ]);
  });

  it('never sends the headers of the user to a URL of the workspace', () => {
    const user = { a: { ...good, headers: { Authorization: 'Bearer t' } } };
    assert.deepEqual(parseServers(user, { a: { url: 'http://elsewhere/' } }).servers, [
      { name: 'a', url: 'http://elsewhere/', headers: {}, ...usual },
    ]);
  });

  for (const change of [
    { command: 'evil' },
    { args: ['evil.js'] },
    { cwd: '/evil' },
    { type: 'module', module: './e' },
  ]) {
    it(`never gives the variables of the user to what a workspace names by ${Object.keys(change)}`, () => {
      const user = { a: { command: 'node', args: ['server.js'], env: { TOKEN: 'of the user' } } };
      const { servers } = parseServers(user, { a: change });
      assert.doesNotMatch(JSON.stringify(servers), /of the user/);
    });
  }

  it('keeps the servers of the user when the value of the workspace is none', () => {
    const { servers, problems } = parseServers({ a: good }, 'http://localhost');
    assert.deepEqual([servers.length, problems.length], [1, 1]);
  });

  it('is not confused by names that objects are born with', () => {
    const { servers, problems } = parseServers(
      JSON.parse('{"__proto__":{"url":"http://a/"},"constructor":{"url":"http://b/","toString":1}}'),
    );
    assert.deepEqual(
      servers.map((server) => server.name),
      ['__proto__', 'constructor'],
    );
    assert.equal(problems[0]?.key, 'resilientMcp.servers["constructor"].toString');
  });

  it('accepts only what fetch accepts, whatever is written', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.webUrl({ withFragments: true, withQueryParameters: true }), fc.string()),
        fc.dictionary(
          fc.string({ unit: 'binary', maxLength: 8 }),
          fc.string({ unit: 'binary', maxLength: 8 }),
          { maxKeys: 3 },
        ),
        (url, headers) => {
          for (const server of parseServers({ s: { url, headers } }).servers) {
            assert.ok(server.type === 'http');
            new Request(server.url, { headers: server.headers });
          }
        },
      ),
    );
  });

  it('never throws, whatever is written', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), fc.string(), (value, name) => {
        parseServers(value);
        parseServers({ [name]: value });
      }),
    );
  });
});
