import assert from 'node:assert/strict';
import type { Layer } from '../../src/config/layers.ts';
import { parseServers } from '../../src/config/server-config.ts';
import type { VariableLookups } from '../../src/config/variables.ts';
import { placeholder } from './import/examples.ts';

/** Inputs by layer; everything else is not known. */
function inputs(values: Partial<Record<Layer, Readonly<Record<string, string>>>>) {
  return (layer: Layer): VariableLookups => ({
    env: () => undefined,
    input: (id) => values[layer]?.[id],
    workspaceFolder: () => '/work',
    userHome: '/home/maria',
    pathSeparator: '/',
  });
}

const github = {
  url: 'https://api.example.com/mcp',
  headers: { Authorization: `Bearer ${placeholder('input:token')}` },
};

describe('placeholders in resilientMcp.servers', () => {
  it('are replaced before an entry is checked', () => {
    const { servers, problems } = parseServers(
      {
        http: { ...github, url: `${placeholder('input:base')}/mcp` },
        stdio: { command: `${placeholder('workspaceFolder')}/server`, args: [placeholder('userHome')] },
      },
      undefined,
      inputs({ user: { token: 'abc', base: 'https://api.example.com' } }),
    );
    assert.deepEqual(problems, []);
    const [http, stdio] = servers;
    assert.ok(http?.type === 'http' && stdio?.type === 'stdio');
    assert.equal(http.url, 'https://api.example.com/mcp');
    assert.deepEqual(http.headers, { Authorization: 'Bearer abc' });
    assert.equal(stdio.command, '/work/server');
    assert.deepEqual(stdio.args, ['/home/maria']);
  });

  it('are what a display shows of the destination', () => {
    const { servers } = parseServers(
      {
        secret: { url: `https://api.example.com/${placeholder('input:token')}/mcp` },
        plain: github,
      },
      undefined,
      inputs({ user: { token: 'abc' } }),
    );
    assert.deepEqual(
      servers.map(({ written }) => written),
      [`https://api.example.com/${placeholder('input:token')}/mcp`, undefined],
    );
  });

  it('are a problem with the key and the input, if they have no value', () => {
    const { servers, problems } = parseServers({ github }, undefined, inputs({}));
    assert.deepEqual(servers, []);
    assert.deepEqual(
      problems.map(({ key, input }) => ({ key, input })),
      [
        {
          key: 'resilientMcp.servers["github"].headers.Authorization',
          input: { id: 'token', layer: 'user' },
        },
      ],
    );
  });

  it('never give a workspace the values that were entered for the servers of the user', () => {
    const lookups = inputs({ user: { token: 'the user’s' } });
    const elsewhere = { github: { ...github, url: 'https://elsewhere.example/mcp' } };
    for (const user of [{ github }, {}]) {
      const { servers, problems } = parseServers(user, elsewhere, lookups);
      assert.deepEqual(servers, []);
      assert.deepEqual(
        problems.map(({ input }) => input),
        [{ id: 'token', layer: 'workspace' }],
      );
    }
    const header = { github: { headers: { 'X-Copy': placeholder('input:token') } } };
    assert.deepEqual(parseServers({ github }, header, lookups).servers, []);
  });

  it('keep their values where the workspace changes another key', () => {
    const lookups = inputs({ user: { token: 'abc' } });
    const { servers } = parseServers({ github }, { github: { shared: true } }, lookups);
    assert.deepEqual(
      servers.map((server) => server.type === 'http' && [server.shared, server.headers.Authorization]),
      [[true, 'Bearer abc']],
    );
  });

  it('are not asked for by a server that is switched off', () => {
    const off = { ...github, url: `${placeholder('input:base')}/mcp`, enabled: false };
    assert.deepEqual(parseServers({ off }, undefined, inputs({})), {
      servers: [],
      problems: [],
      waiting: [],
    });
    assert.deepEqual(parseServers({ github }, { github: { enabled: false } }, inputs({})).problems, []);
  });

  it('are checked as to what was put in, and the words do not tell it', () => {
    const { problems } = parseServers({ github }, undefined, inputs({ user: { token: 'se\ncret' } }));
    assert.equal(problems.length, 1);
    assert.match(problems[0]?.message ?? '', /must not hold line breaks/);
    assert.doesNotMatch(problems[0]?.message ?? '', /cret/);
  });

  it('may be put in by a value', () => {
    const value = placeholder('env:HOME');
    const { servers } = parseServers({ github }, undefined, inputs({ user: { token: value } }));
    assert.equal(servers.length, 1);
  });

  it('may stand in the path of a file of variables, which are below those of the entry', () => {
    const files: Record<string, Record<string, string>> = { '/work/.env': { TOKEN: 'from file', PORT: '1' } };
    const lookups = (layer: Layer) => ({ ...inputs({})(layer), envFile: (path: string) => files[path] });
    const stdio = { command: 'a', envFile: `${placeholder('workspaceFolder')}/.env`, env: { PORT: '2' } };
    const [server] = parseServers({ stdio }, undefined, lookups).servers;
    assert.ok(server?.type === 'stdio');
    assert.deepEqual(server.env, { TOKEN: 'from file', PORT: '2' });
    for (const [entry, reading] of [
      [{ ...stdio, envFile: '/elsewhere' }, lookups],
      [{ ...stdio, envFile: '/work/.env' }, inputs({})],
    ] as const) {
      const { servers, problems } = parseServers({ stdio: entry }, undefined, reading);
      assert.deepEqual(servers, []);
      assert.equal(problems[0]?.key, 'resilientMcp.servers["stdio"].envFile');
      assert.match(problems[0]?.message ?? '', /can’t be read/);
    }
  });
});
