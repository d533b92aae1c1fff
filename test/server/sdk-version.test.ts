import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isResilientMcpError } from '../../src/server/index.ts';
import { checkSdkVersion, installedSdkVersion, SDK_RANGE } from '../../src/server/sdk/sdk-version.ts';
import { scratchFolder } from '../support/scratch.ts';

const root = join(import.meta.dirname, '../..');
const versionIn = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8')).version;

describe('the version of the SDK', () => {
  it('is that of the package which is imported', () => {
    assert.equal(installedSdkVersion(), versionIn('node_modules/@modelcontextprotocol/sdk/package.json'));
  });

  it('has one range, which is the peer range of the package', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    assert.equal(manifest.peerDependencies['@modelcontextprotocol/sdk'], SDK_RANGE);
  });

  for (const version of ['1.30.0', '1.30.1', '1.31.0-beta.1', '1.100.0', undefined]) {
    it(`is accepted: ${version}`, () => checkSdkVersion(version));
  }

  for (const version of ['1.29.9', '1.30.0-beta.0', '0.99.0', '2.0.0', 'latest']) {
    it(`is refused, with what to install: ${version}`, () => {
      assert.throws(
        () => checkSdkVersion(version),
        (error) =>
          isResilientMcpError(error, 'INVALID_CONFIGURATION') &&
          error.message.includes(version) &&
          error.advice === `Install one that is: npm install @modelcontextprotocol/sdk@${SDK_RANGE}`,
      );
    });
  }

  it('is looked at when resilient-mcp/server is imported', async () => {
    using folder = scratchFolder();
    cpSync(join(root, 'src'), folder.file('src'), { recursive: true });
    const sdk = folder.file('node_modules/@modelcontextprotocol/sdk');
    mkdirSync(sdk, { recursive: true });
    const real = join(root, 'node_modules/@modelcontextprotocol/sdk');
    cpSync(join(real, 'dist/esm'), join(sdk, 'dist/esm'), { recursive: true });
    const manifest = JSON.parse(readFileSync(join(real, 'package.json'), 'utf8'));
    writeFileSync(join(sdk, 'package.json'), JSON.stringify({ ...manifest, version: '2.0.0' }));
    for (const dependency of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      link(join(root, 'node_modules', dependency), folder.file(join('node_modules', dependency)));
    }
    const run = promisify(execFile)(process.execPath, [folder.file('src/server/index.ts')]);
    await assert.rejects(run, /2\.0\.0 is not supported/);
  });
});

function link(target: string, path: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  symlinkSync(target, path, 'junction');
}
