import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { floatingPromises } from '../../scripts/floating-promises.ts';
import { scratchFolder } from '../support/scratch.ts';

const declared = `
declare const promise: Promise<number>;
declare function later(): Promise<void>;
declare function perhaps(): Promise<void> | undefined;
declare const thenable: { then(done: (value: number) => void): void };
declare const list: number[];
declare let flag: boolean;
let kept: Promise<void>;
`;

const floating = [
  'later();',
  'promise;',
  'perhaps();',
  'thenable;',
  'new Promise(() => {});',
  '(async () => {})();',
  'later().then(() => {});',
  'later().finally(() => {});',
  'flag && later();',
  'flag ? later() : undefined;',
  'list.map(async () => {});',
  'Promise.all([later(), later()]);',
  '[promise, 1];',
  'export const wrapped = () => { later(); };',
  'export class A { constructor() { later(); } }',
];

const taken = [
  'await later();',
  'void later();',
  'kept = later();',
  'kept ??= later();',
  'later().catch(() => {});',
  'later().then(() => {}, () => {});',
  'later().catch(() => {}).finally(() => {});',
  'flag && void later();',
  'for await (const one of [promise]) void one;',
  'export const returned = () => later();',
  'export const given = [later()];',
  'list.map((one) => one);',
  'console.log(promise);',
];

describe('the check for promises that nobody waits for', () => {
  using folder = scratchFolder();
  const file = folder.file('sample.ts');
  writeFileSync(file, `${declared}${[...floating, ...taken].join('\n')}\nexport { kept };`);
  const compilerOptions = { target: 'es2023', module: 'esnext', strict: true, noEmit: true, types: [] };
  writeFileSync(folder.file('tsconfig.json'), JSON.stringify({ compilerOptions, files: ['sample.ts'] }));
  const first = declared.split('\n').length;
  const found = new Set(floatingPromises(folder.path, ['tsconfig.json']).map(({ line }) => line - first));

  for (const [index, text] of floating.entries()) it(`names ${text}`, () => assert.ok(found.has(index)));
  for (const [index, text] of taken.entries()) {
    it(`leaves in peace ${text}`, () => assert.ok(!found.has(floating.length + index)));
  }

  it('fails for a project that is not there, in place of finding nothing in it', () => {
    assert.throws(() => floatingPromises(folder.path, ['nowhere/tsconfig.json']));
  });
});
