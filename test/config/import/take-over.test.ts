import assert from 'node:assert/strict';
import { destinationOf } from '../../../src/config/import/destination.ts';
import type { FoundServer, ImportedEntry } from '../../../src/config/import/found-server.ts';
import { isOwnEntry } from '../../../src/config/import/own-entry.ts';
import { readServers } from '../../../src/config/import/read-servers.ts';
import { takeOver, unusable } from '../../../src/config/import/take-over.ts';
import { parseServers } from '../../../src/config/server-config.ts';
import { example, placeholder } from './examples.ts';

const nothing = { names: [], inputs: [] };
const url = 'https://api.example.com/mcp';

function server(name: string, entry: ImportedEntry): FoundServer {
  return { name, entry, enabled: true, leftOut: [] };
}

const http = (name: string) => server(name, { type: 'http', url });

describe('taking a server over', () => {
  it('keeps its name, or gives it one that is not taken, upper and lower case aside', () => {
    const named = (name: string, names: string[]) => takeOver(http(name), [], { ...nothing, names }).name;
    assert.equal(named('github', []), 'github');
    assert.equal(named('github', ['GitHub']), 'github-2');
    assert.equal(named('github', ['github', 'github-2']), 'github-3');
    const long = named('a'.repeat(100), ['a'.repeat(61)]);
    assert.equal(long, `${'a'.repeat(61)}-2`);
    assert.equal(named('odd\u202e name', []), 'odd name');
  });

  it('puts literal secrets apart, as inputs that are typed unseen', () => {
    const entry: ImportedEntry = { type: 'http', url, headers: { Authorization: 'Bearer abc' } };
    const taken = takeOver(server('My Server', entry), [], nothing);
    assert.deepEqual(taken, {
      name: 'My Server',
      entry: {
        type: 'http',
        url,
        headers: { Authorization: `Bearer ${placeholder('input:my-server-authorization')}` },
      },
      inputs: [{ id: 'my-server-authorization', description: 'Authorization (My Server)', password: true }],
      secrets: [{ id: 'my-server-authorization', place: 'Authorization', value: 'abc' }],
    });
  });

  it('brings the definitions of the inputs that the server asks for, and no others', () => {
    const { servers, inputs } = readServers(example('vscode'), 'vscode');
    const perplexity = servers.find(({ name }) => name === 'perplexity');
    assert.ok(perplexity);
    assert.deepEqual(takeOver(perplexity, inputs, nothing).inputs, [
      { id: 'perplexity-key', description: 'Perplexity API Key', password: true },
    ]);
  });

  it('shares an input that is defined alike, and renames one whose id is taken by another', () => {
    const entry: ImportedEntry = { type: 'http', url, headers: { 'X-Key': placeholder('input:key') } };
    const own = { id: 'key', description: 'Key', password: true };
    const shared = takeOver(server('a', entry), [own], { names: [], inputs: [own] });
    assert.deepEqual(shared.inputs, []);
    assert.deepEqual(shared.entry, entry);
    const other = takeOver(server('a', entry), [own], {
      names: [],
      inputs: [{ ...own, description: 'Other' }],
    });
    assert.deepEqual(other.inputs, [{ ...own, id: 'key-2' }]);
    assert.deepEqual(other.entry, { type: 'http', url, headers: { 'X-Key': placeholder('input:key-2') } });
  });

  it('takes an input for a secret that nobody has defined', () => {
    const entry: ImportedEntry = { type: 'http', url, headers: { 'X-Key': placeholder('input:key') } };
    assert.deepEqual(takeOver(server('a', entry), [], nothing).inputs, [{ id: 'key' }]);
  });

  it('starts a process of a workspace file in its folder, and names the folder where several are open', () => {
    const entry: ImportedEntry = {
      type: 'stdio',
      command: `${placeholder('workspaceFolder')}/run`,
      args: [placeholder('workspaceFolder:other'), placeholder('workspaceFolderBasename')],
    };
    const only = takeOver(server('a', entry), [], { ...nothing, folder: { name: 'web', isOnly: true } });
    assert.deepEqual(only.entry, { ...entry, cwd: placeholder('workspaceFolder') });
    const one = takeOver(server('a', entry), [], { ...nothing, folder: { name: 'web', isOnly: false } });
    assert.deepEqual(one.entry, {
      type: 'stdio',
      command: `${placeholder('workspaceFolder:web')}/run`,
      args: [placeholder('workspaceFolder:other'), placeholder('workspaceFolderBasename:web')],
      cwd: placeholder('workspaceFolder:web'),
    });
    const elsewhere = { ...entry, cwd: '/srv' };
    const kept = takeOver(server('a', elsewhere), [], { ...nothing, folder: { name: 'web', isOnly: true } });
    assert.deepEqual(kept.entry, elsewhere);
  });

  it('makes entries that the setting takes, of every example', () => {
    const lookups = () => ({
      env: () => 'https://host.example',
      input: () => 'eu',
      workspaceFolder: () => '/work',
      userHome: '/home/maria',
      pathSeparator: '/' as const,
      envFile: () => ({}),
    });
    for (const format of ['vscode', 'claude-code', 'claude-desktop', 'cursor', 'cline'] as const) {
      const { servers, inputs } = readServers(example(format), format);
      const usable = servers.filter((found) => unusable(found) === undefined);
      const entries = usable.map((found) => takeOver(found, inputs, nothing));
      const setting = Object.fromEntries(entries.map(({ name, entry }) => [name, entry]));
      const parsed = parseServers(setting, undefined, lookups);
      assert.deepEqual(parsed.problems, [], format);
      assert.equal(parsed.servers.length, usable.length);
      assert.ok(usable.length >= servers.length - 1);
    }
  });

  it('says of a server why it can’t be taken over', () => {
    assert.equal(unusable(http('a')), undefined);
    assert.equal(unusable(server('a', { type: 'http', url: `${placeholder('input:base')}/mcp` })), undefined);
    assert.match(
      unusable(server('a', { type: 'http', url: 'unix:///tmp/s' })) ?? '',
      /^url must be a full http/,
    );
    assert.match(unusable(http(' ')) ?? '', /has no name/);
    const headers = { 'Mcp-Session-Id': 'fixed' };
    assert.match(unusable(server('a', { type: 'http', url, headers })) ?? '', /set by the connection itself/);
  });
});

describe('an entry that leads back to this project', () => {
  const origin = 'http://127.0.0.1:4123';

  it('is known by the origin of the gateway', () => {
    assert.equal(isOwnEntry({ type: 'http', url: `${origin}/github/mcp` }, origin), true);
    assert.equal(isOwnEntry({ type: 'http', url: 'http://127.0.0.1:4124/github/mcp' }, origin), false);
    assert.equal(isOwnEntry({ type: 'http', url: `${origin}/github/mcp` }, undefined), false);
    assert.equal(isOwnEntry({ type: 'http', url: `${placeholder('env:HOST')}/mcp` }, origin), false);
  });

  it('is known by its program', () => {
    for (const args of [
      ['-y', 'resilient-mcp', 'bridge', url],
      ['-y', 'resilient-mcp@0.1.0', 'bridge', url],
    ]) {
      assert.equal(isOwnEntry({ type: 'stdio', command: 'npx', args }, undefined), true);
    }
    for (const command of ['resilient-mcp', '/usr/local/bin/resilient-mcp', 'C:\\npm\\resilient-mcp.cmd']) {
      assert.equal(isOwnEntry({ type: 'stdio', command, args: ['bridge'] }, undefined), true);
    }
    assert.equal(
      isOwnEntry({ type: 'stdio', command: 'npx', args: ['my-resilient-mcp-server'] }, undefined),
      false,
    );
  });
});

describe('the destination of an entry', () => {
  it('is the same before and after it was taken over', () => {
    for (const format of ['vscode', 'claude-code', 'claude-desktop', 'cursor', 'cline'] as const) {
      const { servers, inputs } = readServers(example(format), format);
      for (const found of servers) {
        const folder = { name: 'web', isOnly: false };
        const { entry } = takeOver(found, inputs, { ...nothing, folder });
        assert.equal(destinationOf(entry), destinationOf(found.entry), found.name);
      }
      assert.equal(new Set(servers.map(({ entry }) => destinationOf(entry))).size, servers.length);
    }
  });
});
