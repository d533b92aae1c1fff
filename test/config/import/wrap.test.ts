import assert from 'node:assert/strict';
import fc from 'fast-check';
import { getNodeValue } from 'jsonc-parser';
import { type ConfigFormat, pathOfServers, type RawEntry } from '../../../src/config/import/config-format.ts';
import { FORMATS } from '../../../src/config/import/formats.ts';
import { isOwnEntry } from '../../../src/config/import/own-entry.ts';
import { projectsIn, readServers } from '../../../src/config/import/read-servers.ts';
import { objectAt, type WrapRecord } from '../../../src/config/import/wrap/place.ts';
import { unwrap } from '../../../src/config/import/wrap/unwrap.ts';
import { isWrapped, wrap } from '../../../src/config/import/wrap/wrap.ts';
import { example, placeholder } from './examples.ts';

const here = { command: '/usr/bin/node', args: ['/opt/resilient-mcp/dist/esm/cli/main.js'] };
const programs = [
  here,
  { command: 'npx', args: ['-y', 'resilient-mcp@0.1.0'] },
  { command: 'cmd', args: ['/c', 'npx', '-y', 'resilient-mcp@0.1.0'] },
  { command: 'C:\\Program Files\\nodejs\\node.exe', args: ['C:\\x\\resilient-mcp\\dist\\esm\\cli\\main.js'] },
  { command: 'resilient-mcp', args: [] },
];

/** How editors and programs write the same file. */
const manners: Readonly<Record<string, (text: string) => string>> = {
  'as it is': (text) => text,
  'with CRLF': (text) => text.replaceAll('\n', '\r\n'),
  'with a byte order mark': (text) => `\uFEFF${text}`,
  'with tabs, CRLF and a byte order mark': (text) =>
    `\uFEFF${text.replaceAll('  ', '\t').replaceAll('\n', '\r\n')}`,
  'without a last line end': (text) => text.trimEnd(),
  'with comments everywhere': (text) =>
    text.replaceAll(/([{[,:])/g, (sign) => (sign === ':' ? sign : `${sign} /* , } ] */`)),
};

function pathsIn(text: string, format: ConfigFormat): string[][] {
  return [undefined, ...projectsIn(text, format)].flatMap((project) =>
    readServers(text, format.id, project).servers.map(({ name }) => [
      ...pathOfServers(format, project),
      name,
    ]),
  );
}

function entryAt(text: string, path: readonly string[]): RawEntry {
  const found = objectAt(text, path);
  if ('fault' in found) assert.fail(found.fault);
  // As plain objects: the parser's have no prototype.
  return JSON.parse(JSON.stringify(getNodeValue(found.node)));
}

/** Wraps all that can be, and says why the others can't. */
function wrapAll(text: string, format: ConfigFormat, program = here) {
  const records: WrapRecord[] = [];
  const faults: Record<string, string> = {};
  let changed = text;
  for (const path of pathsIn(text, format)) {
    const result = wrap(changed, path, format, program);
    if ('fault' in result) faults[path.at(-1) ?? ''] = result.fault;
    else {
      changed = result.text;
      records.push(result.record);
    }
  }
  return { changed, records, faults };
}

function ok(result: { readonly text: string } | { readonly fault: string }): string {
  return 'text' in result ? result.text : assert.fail(result.fault);
}

describe('leading the servers of a file through attach, and back', () => {
  for (const format of Object.values(FORMATS)) {
    for (const [manner, written] of Object.entries(manners)) {
      it(`gives back ${format.title}’s file to the byte, ${manner}`, () => {
        const text = written(example(format.id));
        for (const program of programs) {
          const { changed, records, faults } = wrapAll(text, format, program);
          assert.ok(records.length >= 2, JSON.stringify(faults));
          assert.notEqual(changed, text);
          for (const { path } of records) assert.ok(isWrapped(entryAt(changed, path)));
          for (const order of [records, [...records].reverse()]) {
            const back = order.reduce((now, record) => ok(unwrap(now, record.path, format, record)), changed);
            assert.equal(back, text);
          }
        }
      });
    }

    it(`gives back the servers of ${format.title}’s file without a record, too`, () => {
      const text = example(format.id);
      const { changed, records } = wrapAll(text, format);
      const back = records.reduce((now, { path }) => ok(unwrap(now, path, format)), changed);
      assert.deepEqual(readServers(back, format.id).servers, readServers(text, format.id).servers);
    });
  }

  it('puts words in front of a command, and touches nothing else of the entry', () => {
    const text = `{
  "mcpServers": {
    // mine
    "notes": {
      "type": "stdio",
      "command": "node", // the runtime
      "args": [
        "server.js", // the server
        "--port=1",
      ],
      "env": { "TOKEN": "planted" }, /* secret */
      "cwd": "/srv",
    },
  },
}
`;
    const { changed } = wrapAll(text, FORMATS.cursor);
    assert.equal(
      changed,
      text
        .replace('"command": "node"', '"command": "/usr/bin/node"')
        .replace(
          '"server.js"',
          ['/opt/resilient-mcp/dist/esm/cli/main.js', 'attach', '--name', 'notes', '--', 'node', 'server.js']
            .map((word) => JSON.stringify(word))
            .join(',\n        '),
        ),
    );
  });

  it('makes the arguments where there were none', () => {
    for (const text of [
      '{"mcpServers":{"a":{"command":"x"}}}',
      '{"mcpServers":{"a":{"command":"x","args":[ ]}}}',
    ]) {
      const { changed } = wrapAll(text, FORMATS.cursor, { command: 'resilient-mcp', args: [] });
      assert.deepEqual(entryAt(changed, ['mcpServers', 'a']), {
        command: 'resilient-mcp',
        args: ['attach', '--name', 'a', '--', 'x'],
      });
    }
  });

  it('leads an address through attach; what its headers hold stays in the file, in variables', () => {
    const auth = `Bearer ${placeholder('input:token')}`;
    const entry = {
      type: 'http',
      url: 'https://notes.example/mcp',
      headers: { Authorization: auth, 'X-A': 'b' },
    };
    const text = JSON.stringify({ servers: { notes: entry } }, null, 2);
    const { changed, records } = wrapAll(text, FORMATS.vscode, { command: 'resilient-mcp', args: [] });
    assert.deepEqual(entryAt(changed, ['servers', 'notes']), {
      type: 'stdio',
      command: 'resilient-mcp',
      args: [
        ...['attach', '--name', 'notes'],
        ...['--header-env', 'Authorization=RESILIENT_MCP_HEADER_AUTHORIZATION'],
        ...['--header-env', 'X-A=RESILIENT_MCP_HEADER_X_A', 'https://notes.example/mcp'],
      ],
      env: { RESILIENT_MCP_HEADER_AUTHORIZATION: auth, RESILIENT_MCP_HEADER_X_A: 'b' },
    });
    const [record] = records;
    assert.equal(ok(unwrap(changed, ['servers', 'notes'], FORMATS.vscode, record)), text);
  });

  it('keeps an address with a key or a placeholder in it out of the arguments', () => {
    for (const url of ['https://a.example/mcp?api_key=planted123', `${placeholder('BASE')}/planted123`]) {
      for (const headers of [{}, { headers: {} }, { headers: { 'X-A': 'b' } }]) {
        const text = JSON.stringify({ mcpServers: { a: { type: 'sse', url, ...headers } } });
        const { changed, records } = wrapAll(text, FORMATS['claude-code']);
        const entry = entryAt(changed, ['mcpServers', 'a']);
        assert.doesNotMatch(JSON.stringify(entry.args), /planted/);
        assert.equal((entry.env as Record<string, string>).RESILIENT_MCP_URL, url);
        assert.ok((entry.args as string[]).includes('--sse'));
        assert.equal(ok(unwrap(changed, ['mcpServers', 'a'], FORMATS['claude-code'], records[0])), text);
        assert.deepEqual(
          readServers(ok(unwrap(changed, ['mcpServers', 'a'], FORMATS['claude-code'])), 'claude-code')
            .servers[0]?.entry,
          {
            type: 'sse',
            url: url.replace('BASE', 'env:BASE'),
            ...('headers' in headers && Object.keys(headers.headers).length > 0 ? headers : {}),
          },
        );
      }
    }
  });

  it('gives back the original also when its client has written the whole file anew', () => {
    const text = '{ "mcpServers": { /* mine */ "a": { "command": "x", /* why */ "args": ["y"], } } }';
    const { changed, records } = wrapAll(text, FORMATS.cursor);
    const anew = JSON.stringify(
      { theme: 'dark', mcpServers: { a: entryAt(changed, ['mcpServers', 'a']) } },
      null,
      4,
    );
    const back = ok(unwrap(anew, ['mcpServers', 'a'], FORMATS.cursor, records[0]));
    assert.match(back, /\{ "command": "x", \/\* why \*\/ "args": \["y"\], \}/);
    assert.match(back, /"theme": "dark"/);
  });

  it('keeps what was changed in an entry since', () => {
    const text = '{ "mcpServers": { "a": { "command": "x", "args": ["y"] } } }';
    const { changed, records } = wrapAll(text, FORMATS.cursor);
    const edited = changed.replace('"y"', '"y", "z"');
    assert.deepEqual(
      entryAt(ok(unwrap(edited, ['mcpServers', 'a'], FORMATS.cursor, records[0])), ['mcpServers', 'a']),
      {
        command: 'x',
        args: ['y', 'z'],
      },
    );
  });

  const refused: Readonly<Record<string, readonly [entry: object, says: RegExp]>> = {
    'a sandbox': [{ command: 'x', sandboxEnabled: true }, /sandbox/],
    'a sign-in of its client': [{ url: 'https://a/', auth: {} }, /only its client understands: auth/],
    'another transport': [{ type: 'websocket', url: 'wss://a/' }, /not supported/],
    'a socket': [{ type: 'http', url: 'unix:///a.sock' }, /neither http/],
    'nothing to start': [{ args: [] }, /neither/],
  };
  for (const [what, [entry, says]] of Object.entries(refused)) {
    it(`refuses an entry with ${what}, in words`, () => {
      const text = JSON.stringify({ servers: { a: entry } });
      const result = wrap(text, ['servers', 'a'], FORMATS.vscode, here);
      assert.match('fault' in result ? result.fault : 'it was wrapped', says);
    });
  }

  it('refuses what it cannot reach: names that are odd, twice there or not there, broken files', () => {
    const at = (text: string, name: string) => {
      const result = wrap(text, ['servers', name], FORMATS.vscode, here);
      return 'fault' in result ? result.fault : 'it was wrapped';
    };
    assert.match(at('{"servers":{"a":{"command":"x"},"a":{"command":"y"}}}', 'a'), /holds "a" twice/);
    assert.match(at('{"servers":{}}', 'a'), /does not hold "a"/);
    assert.match(at('{"servers":{"a":', 'a'), /is no JSON/);
    assert.match(at('{"servers":{"a\\u202eb":{"command":"x"}}}', 'a\u202eb'), /control or format/);
    assert.match(at('{"servers":{"a":1}}', 'a'), /no object/);
  });

  it('refuses to wrap twice, and to unwrap what is not wrapped', () => {
    const text = '{"servers":{"a":{"command":"x"},"-n":{"command":"y"}}}';
    const once = ok(wrap(text, ['servers', 'a'], FORMATS.vscode, here));
    assert.match(JSON.stringify(wrap(once, ['servers', 'a'], FORMATS.vscode, here)), /already/);
    assert.match(JSON.stringify(unwrap(text, ['servers', 'a'], FORMATS.vscode)), /not led through attach/);
    assert.deepEqual(
      entryAt(ok(wrap(text, ['servers', '-n'], FORMATS.vscode, here)), ['servers', '-n']).args,
      [...here.args, 'attach', '--name=-n', '--', 'y'],
    );
  });

  it('knows a wrapped entry as its own, so that it is not offered for protection again', () => {
    const own = (command: string, args: string[]) => isOwnEntry({ type: 'stdio', command, args }, undefined);
    for (const { command, args } of programs)
      assert.ok(own(command, [...args, 'attach', '--name', 'a', '--', 'x']));
    assert.ok(!own('node', ['/srv/tool/cli/main.js', 'serve']));
    assert.ok(!own('docker', ['attach', '--name', 'a', '--', 'x']));
  });

  it('gives back every entry to the byte, whatever it holds and however it is set', () => {
    const word = fc.string({ maxLength: 12, unit: 'grapheme' });
    const command = fc.record(
      {
        command: word.filter((text) => text.trim() !== ''),
        args: fc.array(word),
        env: fc.dictionary(word, word),
      },
      { requiredKeys: ['command'] },
    );
    const header = fc.stringMatching(/^[A-Za-z][A-Za-z-]{0,8}$/);
    const address = fc.record(
      {
        url: fc.webUrl({ withQueryParameters: true }),
        headers: fc.dictionary(header, word),
        type: fc.constant('http'),
      },
      { requiredKeys: ['url'] },
    );
    const name = fc.stringMatching(/^[a-z][a-z0-9 ._/-]{0,20}$/).filter((text) => text !== '__proto__');
    const file = fc.dictionary(name, fc.oneof(command, address), { minKeys: 1, maxKeys: 4 });
    const indent = fc.constantFrom(undefined, 1, 2, 4, '\t');
    fc.assert(
      fc.property(file, indent, fc.boolean(), fc.boolean(), (servers, space, crlf, bom) => {
        const plain = JSON.stringify({ before: 1, mcpServers: servers, after: [2] }, null, space);
        const text = (bom ? '\uFEFF' : '') + (crlf ? plain.replaceAll('\n', '\r\n') : plain);
        const { changed, records, faults } = wrapAll(text, FORMATS['claude-code']);
        assert.deepEqual(faults, {});
        assert.equal(records.length, Object.keys(servers).length);
        const back = records.reduce(
          (now, record) => ok(unwrap(now, record.path, FORMATS['claude-code'], record)),
          changed,
        );
        assert.equal(back, text);
      }),
      { numRuns: 300 },
    );
  });
});
