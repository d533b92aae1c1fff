import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { product } from '../../src/base/product.ts';

const root = join(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

describe('the product', () => {
  it('has the name and the version of package.json', () => {
    assert.deepEqual(product, { name: manifest.name, version: manifest.version });
  });

  it('has its version written down in no other source', () => {
    const sources = ['src/**/*.ts', 'scripts/*.ts', 'examples/**/*.ts', 'harness/*.ts', '*.mjs'];
    const files = globSync(sources, { cwd: root }).filter((file) =>
      readFileSync(join(root, file), 'utf8').includes(`'${manifest.version}'`),
    );
    assert.deepEqual(files, []);
  });
});
