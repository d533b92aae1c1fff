import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as server from '../../src/server/index.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const page = read('docs/server-module.md');

/** The options of an interface, each with the default that its comment names. */
function optionsIn(path: string): Map<string, string | undefined> {
  const options = new Map<string, string | undefined>();
  for (const [, comment = '', name = ''] of read(path).matchAll(
    /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s+readonly (\w+)\?:/g,
  )) {
    const words = comment.replaceAll(/\s*\n\s*\* ?/g, ' ');
    options.set(name, /Default:? (.+?)\.(?:\s|$)/.exec(words)?.[1]);
  }
  return options;
}

/** The rows of the page's table of options. */
const rows = new Map(
  [...page.matchAll(/^\| (`.+?`) \| .+ \|(?: (.*))? \|$/gm)].flatMap(([, names = '', value = '']) =>
    names.split(', ').map((name): [string, string] => [name.replaceAll('`', ''), value]),
  ),
);

describe('docs/server-module.md', () => {
  it('has every option of the manager, with the default that the code names', () => {
    const options = optionsIn('src/server/options.ts');
    assert.ok(options.size > 20);
    for (const [name, value] of options) {
      assert.ok(rows.has(name), `${name} is missing`);
      if (value) assert.equal(rows.get(name)?.replaceAll('`', ''), value.replaceAll('`', ''), name);
    }
    for (const path of ['src/server/guard.ts', 'src/server/session-key.ts']) {
      for (const [name] of optionsIn(path)) {
        if (name !== 'transientBecause') assert.ok(rows.has(name), `${name} is missing`);
      }
    }
  });

  it('names only what resilient-mcp/server exports', () => {
    const named = page.match(/\b(?:SessionManager|\w+Store|nodeListener|\w+Handler)\b(?=\()/g) ?? [];
    assert.ok(named.length > 5);
    for (const name of named) assert.ok(name in server, name);
  });
});
