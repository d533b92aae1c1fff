import assert from 'node:assert/strict';
import * as server from '../../src/server/index.ts';
import { optionsIn, read, rowsOf } from '../support/option-page.ts';

const page = read('docs/server-module.md');
const rows = rowsOf(page);

describe('docs/server-module.md', () => {
  it('has every option of the manager, with the default that the code names', () => {
    const options = optionsIn('src/server/options.ts');
    assert.ok(options.size > 20);
    for (const [name, value] of options) {
      assert.ok(rows.has(name), `${name} is missing`);
      if (value) assert.equal(rows.get(name)?.replaceAll('`', ''), value.replaceAll('`', ''), name);
    }
    for (const path of ['src/endpoint/guard.ts', 'src/server/ids/session-key.ts']) {
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
