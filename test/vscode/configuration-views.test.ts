import assert from 'node:assert/strict';
import fc from 'fast-check';
import { destinationOf } from '../../src/config/import/destination.ts';
import type { FoundServer, ImportedEntry } from '../../src/config/import/found-server.ts';
import type { WantedInput } from '../../src/config/inputs-setting.ts';
import { CLIENTS, type ClientId, clientSnippet } from '../../src/vscode/gateway/client-snippet.ts';
import { copiedText } from '../../src/vscode/gateway/copy-view.ts';
import { disabledText, protectedText, protectPicks } from '../../src/vscode/import/protect-view.ts';
import { inputPicks, inputPrompt } from '../../src/vscode/settings/input-view.ts';
import { inputsQuestion, missingInputs } from '../../src/vscode/settings/problem-view.ts';

const headers = { Authorization: 'Bearer t0ken' };
const github = { name: 'github', url: 'http://127.0.0.1:4123/github/mcp' };
const odd = { name: 'my "odd" name', url: 'http://127.0.0.1:4123/my-odd-name-1a2b3c4d/mcp' };
const clients = Object.keys(CLIENTS) as ClientId[];

describe('the configuration of a client of the gateway', () => {
  for (const [client, expected] of [
    ['vscode', { servers: { github: { type: 'http', url: github.url, headers } } }],
    ['cursor', { mcpServers: { github: { url: github.url, headers } } }],
    ['augment', { mcpServers: { github: { type: 'http', url: github.url, headers } } }],
    [
      'cline',
      { mcpServers: { github: { type: 'streamableHttp', url: github.url, headers, disabled: false } } },
    ],
  ] as const) {
    it(`is the JSON that ${CLIENTS[client].title} reads`, () => {
      assert.deepEqual(JSON.parse(clientSnippet(client, [github], headers)), expected);
    });
  }

  it('is a command for Claude Code', () => {
    assert.equal(
      clientSnippet('claude-code', [github, odd], headers),
      `claude mcp add --transport http github "${github.url}" --header "Authorization: Bearer t0ken"\n` +
        `claude mcp add --transport http my-odd-name "${odd.url}" --header "Authorization: Bearer t0ken"\n`,
    );
  });

  it('is a table of TOML for Codex', () => {
    assert.equal(
      clientSnippet('codex', [github, odd], headers),
      `[mcp_servers.github]\nurl = "${github.url}"\nhttp_headers = { "Authorization" = "Bearer t0ken" }\n\n` +
        `[mcp_servers.my-odd-name]\nurl = "${odd.url}"\nhttp_headers = { "Authorization" = "Bearer t0ken" }\n`,
    );
  });

  it('names servers differently whose names a client can’t take', () => {
    const servers = ['a b', 'a-b', 'ä', '"; rm -rf /'].map((name) => ({ name, url: github.url }));
    const tables = clientSnippet('codex', servers, headers).match(/^\[.*\]$/gm);
    assert.deepEqual(tables, [
      '[mcp_servers.a-b]',
      '[mcp_servers.a-b-2]',
      '[mcp_servers.server]',
      '[mcp_servers.rm--rf]',
    ]);
  });

  it('holds every server, whatever its name', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 5 }), (names) => {
        const servers = names.map((name, n) => ({ name, url: `http://127.0.0.1:1/${n}/mcp` }));
        for (const client of clients) {
          const snippet = clientSnippet(client, servers, headers);
          for (const { url } of servers) assert.ok(snippet.includes(url), snippet);
        }
      }),
    );
  });

  it('is told of with where it goes, and a warning where the token might be shared', () => {
    const warned = clients.filter((client) => copiedText(client, ['github'], false).isWarning);
    assert.deepEqual(warned, ['vscode', 'cursor', 'codex']);
    assert.equal(
      copiedText('cursor', ['github'], true).text,
      'MCP: copied github for Cursor, with the token of this window’s gateway. ' +
        'Add it to ~/.cursor/mcp.json: the .cursor/mcp.json of a project is often shared with others. ' +
        'The address works on the remote machine only.',
    );
    assert.match(copiedText('cline', ['a', 'b'], false).text, /^MCP: copied 2 servers for Cline/);
  });
});

function found(name: string, entry: ImportedEntry, rest: Partial<FoundServer> = {}): FoundServer {
  return { name, entry, enabled: true, leftOut: [], ...rest };
}

describe('the pick of servers to protect', () => {
  const http: ImportedEntry = {
    type: 'http',
    url: 'https://a.example/mcp?api_key=abc',
    headers: { 'X-Key': 'def' },
  };
  const stdio: ImportedEntry = { type: 'stdio', command: 'npx', args: ['-y', 'server', '--token', 'ghi'] };

  it('groups them by file, and says what is to be known of each', () => {
    const files = [
      { title: 'VS Code', path: '.vscode/mcp.json', servers: [found('a', http), found('b', stdio)] },
      { title: 'Cursor', path: '/home/m/.cursor/mcp.json', servers: [] },
      {
        title: 'Cline',
        path: '/x.json',
        servers: [
          found('c', { type: 'http', url: 'http://c/mcp' }, { enabled: false, leftOut: ['oauth', 'dev'] }),
        ],
      },
    ];
    const present = new Map([[destinationOf(stdio), 'mine']]);
    const lines = protectPicks(files, present).map((pick) =>
      pick.kind === 'heading'
        ? pick.label
        : [pick.label, pick.description, pick.detail, pick.picked, pick.file],
    );
    assert.deepEqual(lines, [
      'VS Code: .vscode/mcp.json',
      ['a', 'https://a.example/mcp?api_key=…', 'moves 2 secrets', false, 0],
      ['b', 'npx -y server --token …', 'already protected, as mine · moves 1 secret', false, 0],
      'Cline: /x.json',
      ['c', 'http://c/mcp', 'turned off in Cline · without oauth, dev', false, 2],
    ]);
  });

  it('shows no secret and nothing that passes for ours', () => {
    const server = found('$(zap) [x](command:y)', http);
    const [, pick] = protectPicks([{ title: 'VS Code', path: 'p', servers: [server] }], new Map());
    const text = JSON.stringify(pick?.kind === 'server' ? { ...pick, server: undefined } : undefined);
    for (const secret of ['abc', 'def', '$(zap)', '](']) assert.ok(!text.includes(secret), text);
  });

  it('chooses the only one that there is', () => {
    const files = [{ title: 'VS Code', path: 'p', servers: [found('a', http)] }];
    const picked = (present: Map<string, string>) =>
      protectPicks(files, present).map((pick) => pick.kind === 'server' && pick.picked);
    assert.deepEqual(picked(new Map()), [false, true]);
    assert.deepEqual(picked(new Map([[destinationOf(http), 'a']])), [false, false]);
  });

  it('is followed by words on what was done, the secrets too', () => {
    assert.equal(
      protectedText([{ name: 'a', secrets: 0 }]),
      'MCP: a is now protected. The original is still enabled, too.',
    );
    assert.match(
      protectedText([
        { name: 'a', secrets: 1 },
        { name: 'b', secrets: 2 },
      ]),
      /^MCP: 2 servers are now protected: a, b\. .* Their 3 secrets are now in the editor’s secret storage\.$/,
    );
    assert.equal(
      disabledText([{ name: 'a', secrets: 1 }], ['.vscode/mcp.json']),
      'MCP: turned off the original of a (.vscode/mcp.json). The file still contains the secrets.',
    );
    assert.equal(
      disabledText(
        [
          { name: 'a', secrets: 0 },
          { name: 'b', secrets: 0 },
        ],
        ['x', 'y'],
      ),
      'MCP: turned off 2 originals (x, y).',
    );
  });
});

describe('the words for inputs', () => {
  const token: WantedInput = {
    layer: 'user',
    definition: { id: 'token', description: 'Token', password: true },
  };
  const region: WantedInput = { layer: 'workspace', definition: { id: 'region', default: 'eu' } };

  it('say who asks, and that the value is in no file', () => {
    assert.deepEqual(inputPrompt(token, undefined), {
      title: 'MCP: Enter Value',
      prompt: 'Token. Stored in the editor’s secret storage, not in a file.',
      password: true,
      value: '',
    });
    assert.deepEqual(inputPrompt(region, { step: 2, of: 3 }), {
      title: 'MCP: Value 2 of 3',
      prompt: 'region. Requested by this workspace. Stored in the editor’s secret storage, not in a file.',
      password: false,
      value: 'eu',
    });
  });

  it('offer to clear only what was entered, and show no value', () => {
    const picks = inputPicks([token, region], ({ definition }) => definition.id === 'token');
    assert.deepEqual(
      picks.map(({ label, description, forget }) => [label, description, forget]),
      [
        ['Token', 'entered · user settings', false],
        ['Clear: Token', 'user settings', true],
        ['region', 'no value yet · settings of this workspace', false],
      ],
    );
  });

  it('ask once for a value that several problems are about', () => {
    const problem = { key: 'k', message: 'm', input: { id: 'token', layer: 'user' as const } };
    const other = { key: 'l', message: 'm', input: { id: 'region', layer: 'user' as const } };
    const missing = missingInputs([problem, problem, other, { key: 'k', message: 'm' }], [token, region]);
    assert.deepEqual(missing, [token]);
    assert.equal(inputsQuestion(missing), 'MCP: a server needs a value: Token.');
    assert.equal(inputsQuestion([token, region]), 'MCP: servers need 2 values: Token, region.');
  });
});
