import assert from 'node:assert/strict';
import * as gateway from '../../src/hub/gateway/index.ts';
import { GATEWAY_DEFAULTS } from '../../src/hub/gateway/options.ts';
import { optionsIn, read, rowsOf } from '../support/option-page.ts';

const page = read('docs/gateway.md');
const rows = rowsOf(page);
const bare = (text: string | undefined) => text?.replaceAll('`', '');

describe('docs/gateway.md', () => {
  it('has every option of the gateway, with the default that the code names', () => {
    const options = optionsIn('src/hub/gateway/options.ts');
    assert.ok(options.size >= 15);
    for (const [name, value] of options) {
      assert.ok(rows.has(name), `${name} is missing`);
      if (value) assert.equal(bare(rows.get(name)), bare(value), name);
    }
    for (const name of Object.keys(GATEWAY_DEFAULTS)) assert.ok(rows.has(name), `${name} is missing`);
  });

  it('has no option that there is not', () => {
    const table = page.slice(page.indexOf('## Options'), page.indexOf('## What shows it'));
    const options = new Set(['upstreams', ...optionsIn('src/hub/gateway/options.ts').keys()]);
    const named = [...rowsOf(table).keys()].filter((name) => name !== 'option');
    assert.deepEqual(
      named.filter((name) => !options.has(name)),
      [],
    );
  });

  it('names only what resilient-mcp/gateway exports, and files and commands that there are', () => {
    assert.ok('Gateway' in gateway);
    for (const method of page.match(/(?<=\bgateway\.)[a-zA-Z]+(?=\()/g) ?? []) {
      assert.ok(method in gateway.Gateway.prototype, method);
    }
    for (const file of page.match(/test\/gateway\/[\w-]+\.test\.ts/g) ?? []) assert.ok(read(file));
    const { scripts } = JSON.parse(read('package.json'));
    for (const script of page.match(/(?<=npm run )[\w:]+/g) ?? []) assert.ok(script in scripts, script);
  });
});
