import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SESSION_KEY_VARIABLE, sessionKeys } from '../../src/server/ids/session-key.ts';
import { isResilientMcpError } from '../../src/server/index.ts';

const [keyA, keyB] = ['a'.repeat(40), 'b'.repeat(40)];
const onPosix = process.platform === 'win32' ? it.skip : it;

describe('the key of session ids', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'session-key-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const refused = (make: () => unknown, words: RegExp) =>
    assert.throws(make, (error: Error) => {
      assert.match(error.message, words);
      return isResilientMcpError(error, 'INVALID_CONFIGURATION');
    });

  it('is the option, before the variable, before the file', () => {
    const env = { [SESSION_KEY_VARIABLE]: `${keyB}, ${keyA}`, XDG_STATE_HOME: folder };
    assert.deepEqual(sessionKeys({ key: keyA }, env).keys, [keyA]);
    assert.deepEqual(sessionKeys({ key: [keyA, keyB] }, env).keys, [keyA, keyB]);
    assert.deepEqual(sessionKeys({}, env).keys, [keyB, keyA]);
    assert.deepEqual(readdirSync(folder), []);
    assert.match(sessionKeys({}, { XDG_STATE_HOME: folder }).keys[0] ?? '', /^[\w-]{43}$/);
  });

  it('is made once, in a file that only its owner can read', () => {
    const keyFile = join(folder, 'a', 'key');
    const [first, second] = [sessionKeys({ keyFile }), sessionKeys({ keyFile })];
    assert.deepEqual(first, second);
    assert.equal(readFileSync(keyFile, 'utf8').trim(), first.keys[0]);
    assert.deepEqual(readdirSync(join(folder, 'a')), ['key']);
    if (process.platform !== 'win32') assert.equal(statSync(keyFile).mode & 0o777, 0o600);
  });

  it('may be several lines of a file: the first signs', () => {
    const keyFile = join(folder, 'key');
    writeFileSync(keyFile, `${keyB}\n\n${keyA}\n`, { mode: 0o600 });
    assert.deepEqual(sessionKeys({ keyFile }).keys, [keyB, keyA]);
  });

  onPosix('is not taken from a file that others can read', () => {
    const keyFile = join(folder, 'key');
    sessionKeys({ keyFile });
    chmodSync(keyFile, 0o640);
    refused(() => sessionKeys({ keyFile }), /can be read by other users/);
  });

  onPosix(
    'is not taken from a folder to which others may write, unless its sticky bit keeps them off',
    () => {
      const open = join(folder, 'open');
      const keyFile = join(open, 'key');
      sessionKeys({ keyFile });
      for (const [mode, isSafe] of [
        [0o777, false],
        [0o702, false],
        [0o1777, true],
        [0o755, true],
      ] as const) {
        chmodSync(open, mode);
        if (isSafe) assert.equal(sessionKeys({ keyFile }).keys.length, 1);
        else refused(() => sessionKeys({ keyFile }), /in a folder to which other users may write/);
      }
    },
  );

  onPosix('is not waited for where a pipe stands in its place, and not read without end', () => {
    const pipe = join(folder, 'pipe');
    assert.equal(spawnSync('mkfifo', ['-m', '600', pipe]).status, 0);
    refused(() => sessionKeys({ keyFile: pipe }), /is no file/);
    const large = join(folder, 'large');
    writeFileSync(large, 'x'.repeat(64 * 1024 + 1), { mode: 0o600 });
    refused(() => sessionKeys({ keyFile: large }), /larger than 65536 bytes/);
  });

  it('is refused when it is short, wherever it comes from', () => {
    const keyFile = join(folder, 'key');
    writeFileSync(keyFile, 'short', { mode: 0o600 });
    refused(() => sessionKeys({ key: 'short' }), /^key: .* 32 characters/);
    refused(() => sessionKeys({ key: [] }), /^key: .* 32 characters/);
    refused(() => sessionKeys({}, { [SESSION_KEY_VARIABLE]: 'short' }), /^RESILIENT_MCP_SESSION_KEY: /);
    refused(() => sessionKeys({ keyFile }), /32 characters/);
  });

  it('says what is wrong with a file that was named, and does without the one that was not', () => {
    writeFileSync(join(folder, 'file'), '');
    refused(
      () => sessionKeys({ keyFile: join(folder, 'file', 'key') }),
      /cannot be used: .*(ENOTDIR|EEXIST)/,
    );
    const keys = sessionKeys({}, { XDG_STATE_HOME: join(folder, 'file') });
    assert.match(keys.keys[0] ?? '', /^[\w-]{43}$/);
    assert.match(keys.transientBecause ?? '', /cannot be used/);
  });
});
