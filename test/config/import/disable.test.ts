import assert from 'node:assert/strict';
import fc from 'fast-check';
import { getNodeValue, parseTree } from 'jsonc-parser';
import type { FormatId } from '../../../src/config/import/config-format.ts';
import { disable } from '../../../src/config/import/disable.ts';
import { FORMATS } from '../../../src/config/import/formats.ts';
import { readServers } from '../../../src/config/import/read-servers.ts';
import { changeBetween, undoing } from '../../../src/config/import/text-change.ts';
import { example, placeholder } from './examples.ts';

const NOTE = 'Taken over.';

/** The text with a server switched off. */
function off(text: string, name: string, format: FormatId): string {
  const disabled = disable(text, name, FORMATS[format], NOTE);
  assert.ok('text' in disabled, JSON.stringify(disabled));
  return disabled.text;
}

/** The names of the servers that their client would use. */
function inUse(text: string, format: FormatId): string[] {
  const { servers, problems } = readServers(text, format);
  assert.ok(
    !problems.some(({ server }) => server === undefined) || format === 'vscode',
    JSON.stringify(problems),
  );
  return servers.filter(({ enabled }) => enabled).map(({ name }) => name);
}

/** The lines of `after` that are not in `before`. */
function newLines(before: string, after: string): string[] {
  const old = new Set(before.split('\n'));
  return after.split('\n').filter((line) => !old.has(line));
}

describe('switching an original off', () => {
  it('comments a server of VS Code out, its comma too, and keeps every other line', () => {
    const before = example('vscode');
    const after = off(before, 'notes', 'vscode');
    assert.deepEqual(newLines(before, after), [
      '    // Taken over.',
      '    // "notes": {',
      `    //   "url": "https://${placeholder('input:region')}.notes.example/mcp",`,
      '    //   "headers": {',
      `    //     "Authorization": "Bearer ${placeholder('env:NOTES_TOKEN')}", // not a literal`,
      '    //   }',
      '    // },',
    ]);
    assert.ok(
      after.includes(
        "/* The team's server.\n       It moves to another host in spring. */\n    // Taken over.",
      ),
    );
    assert.deepEqual(
      inUse(after, 'vscode'),
      inUse(before, 'vscode').filter((name) => name !== 'notes'),
    );
  });

  it('moves a server of one project of ~/.claude.json aside, within that project', () => {
    const before = example('claude-user');
    const app = '/home/maria/app';
    const disabled = disable(before, 'db', FORMATS['claude-user'], NOTE, app);
    const after = 'text' in disabled ? disabled.text : assert.fail(disabled.fault);
    const names = (text: string, project?: string) =>
      readServers(text, 'claude-user', project).servers.map(({ name }) => name);
    assert.deepEqual(names(after, app), ['notes']);
    assert.deepEqual(names(after), names(before));
    const { projects } = JSON.parse(after);
    assert.deepEqual(Object.keys(projects[app].mcpServersNotUsed), ['db']);
  });

  it('comes back as it was when the slashes are taken away', () => {
    const before = example('vscode');
    const after = off(before, 'perplexity', 'vscode');
    assert.equal(after.replace(/^( *)\/\/ Taken over\.\n/m, '').replace(/^( {4})\/\/ /gm, '$1'), before);
  });

  for (const [what, before, after] of [
    [
      'on one line',
      '{"servers": {"a": {"url": "x"}, "b": {"url": "y"}}}',
      '{"servers": {\n// Taken over.\n// "a": {"url": "x"},\n "b": {"url": "y"}}}',
    ],
    [
      'the last, after a comma',
      '{\n\t"servers": {\n\t\t"b": 1,\n\t\t"a": { "url": "x" }\n\t}\n}',
      '{\n\t"servers": {\n\t\t"b": 1,\n\t\t// Taken over.\n\t\t// "a": { "url": "x" }\n\t}\n}',
    ],
    [
      'with lines of Windows',
      '{\r\n  "servers": {\r\n    "a": {\r\n      "url": "x"\r\n    }\r\n  }\r\n}\r\n',
      '{\r\n  "servers": {\r\n    // Taken over.\r\n    // "a": {\r\n    //   "url": "x"\r\n    // }\r\n  }\r\n}\r\n',
    ],
    [
      'before a block comment',
      '{ "servers": {\n  "a": { "url": "x" }, /* of\n two lines */ "b": 1 } }',
      '{ "servers": {\n  // Taken over.\n  // "a": { "url": "x" },\n /* of\n two lines */ "b": 1 } }',
    ],
    [
      'with what ends a block comment in it',
      '{ "servers": {\n  "a": { "url": "**/*.ts" } } }',
      '{ "servers": {\n  // Taken over.\n  // "a": { "url": "**/*.ts" }\n } }',
    ],
  ] as const) {
    it(`comments out a server ${what}`, () => assert.equal(off(before, 'a', 'vscode'), after));
  }

  it('marks a server of Cline and of Windsurf as their own switches do', () => {
    for (const [format, name] of [
      ['cline', 'legacy'],
      ['cline', 'local-server'],
      ['windsurf', 'github'],
    ] as const) {
      const after = off(example(format), name, format);
      assert.ok(!inUse(after, format).includes(name));
      assert.ok(inUse(example(format), format).includes(name));
      assert.equal(
        readServers(after, format).servers.length,
        readServers(example(format), format).servers.length,
      );
    }
  });

  it('moves a server of Cursor and of Claude Desktop aside, with the text of its entry', () => {
    for (const [format, name] of [
      ['cursor', 'events'],
      ['claude-desktop', 'linear'],
    ] as const) {
      const before = example(format);
      const after = off(before, name, format);
      assert.ok(!inUse(after, format).includes(name));
      const root = JSON.parse(after);
      assert.deepEqual(root.disabledMcpServers[name], JSON.parse(before).mcpServers[name]);
      assert.equal(root.globalShortcut, JSON.parse(before).globalShortcut);
    }
  });

  it('moves a second server to the first', () => {
    const after = off(off(example('cursor'), 'events', 'cursor'), 'context7', 'cursor');
    assert.deepEqual(Object.keys(JSON.parse(after).disabledMcpServers), ['events', 'context7']);
  });

  it('keeps comments in an entry that is moved', () => {
    const text = '{\n  "mcpServers": {\n    "a": {\n      // why\n      "url": "x"\n    }\n  }\n}\n';
    assert.match(
      off(text, 'a', 'cursor'),
      /"disabledMcpServers": \{\n {4}"a": \{\n {6}\/\/ why\n {6}"url": "x"/,
    );
  });

  it('adds a server of Claude Code to the list of those refused, in the settings of the person', () => {
    assert.equal(
      off('', 'sentry', 'claude-code'),
      '{\n  "disabledMcpjsonServers": [\n    "sentry"\n  ]\n}\n',
    );
    const settings = '{\n  // mine\n  "permissions": {},\n  "disabledMcpjsonServers": ["asana"]\n}\n';
    const after = off(settings, 'sentry', 'claude-code');
    assert.match(after, /\/\/ mine/);
    assert.deepEqual(getNodeValue(parseTree(after) as never).disabledMcpjsonServers, ['asana', 'sentry']);
    assert.equal(off(after, 'sentry', 'claude-code'), after);
  });

  for (const [what, text, format, fault] of [
    ['is no JSON', '{', 'vscode', /is no JSON/],
    ['does not name the server', '{ "servers": {} }', 'vscode', /does not hold "a" any more/],
    ['names it twice', '{ "servers": { "a": {}, "a": {} } }', 'vscode', /holds "a" twice/],
    ['has its servers twice', '{ "servers": {}, "servers": { "a": {} } }', 'vscode', /holds "servers" twice/],
    ['has a list that is none', '{ "disabledMcpjsonServers": "a" }', 'claude-code', /that is no list/],
    ['is a list', '[]', 'claude-code', /must hold an object/],
    [
      'has an entry that is no object',
      '{ "mcpServers": { "a": 1 } }',
      'cline',
      /holds a "a" that is no object/,
    ],
  ] as const) {
    it(`leaves a file alone that ${what}`, () => {
      const disabled = disable(text, 'a', FORMATS[format], NOTE);
      assert.ok('fault' in disabled);
      assert.match(disabled.fault, fault);
    });
  }

  it('never changes what another server is, however the file is written', () => {
    const gap = fc.constantFrom('', ' ', '\n', '\n  ', '\t', '\r\n    ', ' // note\n', ' /* a\n b */ ');
    const value = fc.constantFrom('{ "url": "x" }', '{\n  "command": "a", // why\n  "args": ["**/*"]\n}');
    const file = fc.record({
      gaps: fc.array(gap, { minLength: 12, maxLength: 12 }),
      values: fc.array(value, { minLength: 3, maxLength: 3 }),
      comma: fc.boolean(),
    });
    fc.assert(
      fc.property(file, fc.nat(2), ({ gaps: g, values, comma }, index) => {
        const entries = values.map((entry, n) => `"s${n}"${g[3 * n]}:${g[3 * n + 1]}${entry}${g[3 * n + 2]}`);
        const text = `{${g[9]}"servers":${g[10]}{${g[11]}${entries.join(',')}${comma ? ',' : ''}${g[9]}}${g[10]}}`;
        const before = readServers(text, 'vscode');
        assert.equal(before.servers.length, 3);
        const after = readServers(off(text, `s${index}`, 'vscode'), 'vscode');
        assert.deepEqual(
          after.servers,
          before.servers.filter(({ name }) => name !== `s${index}`),
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe('a change of a text', () => {
  it('is the smallest that makes one text of the other', () => {
    assert.deepEqual(changeBetween('abcdef', 'abXdef'), { offset: 2, removed: 'c', inserted: 'X' });
    assert.deepEqual(changeBetween('aa', 'aaa'), { offset: 2, removed: '', inserted: 'a' });
    assert.deepEqual(changeBetween('a', 'a'), { offset: 1, removed: '', inserted: '' });
  });

  it('makes one text of the other, and back', () => {
    const apply = (text: string, { offset, removed, inserted }: ReturnType<typeof changeBetween>) =>
      text.slice(0, offset) + inserted + text.slice(offset + removed.length);
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n') });
    fc.assert(
      fc.property(text, text, (before, after) => {
        const change = changeBetween(before, after);
        assert.equal(apply(before, change), after);
        const back = undoing(after, change, after);
        assert.equal(back && apply(after, back), before);
      }),
    );
  });

  it('is taken back in a text that has changed elsewhere since', () => {
    const change = changeBetween('one two three', 'one // two three');
    assert.deepEqual(undoing('zero, one // two three, four', change, 'one // two three'), {
      offset: 10,
      removed: '// ',
      inserted: '',
    });
  });

  it('is not taken back where it no longer stands, or stands twice', () => {
    const change = changeBetween('one two', 'one // two');
    assert.equal(undoing('one two', change, 'one // two'), undefined);
    assert.equal(undoing('// one // two', change, 'one // two'), undefined);
    assert.equal(undoing('other', changeBetween('ab', 'a'), 'a'), undefined);
  });
});
