import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

const script = join(import.meta.dirname, 'main.ts');

/** A folder with all the programs of a machine: none yet but a shell, and what its scripts cannot do without. */
function bareMachine(): ScratchFolder {
  const machine = scratchFolder();
  for (const program of ['sh', 'cat', 'sleep', 'chmod'])
    symlinkSync(`/bin/${program}`, machine.file(program));
  return machine;
}

/** Runs the set-up of a machine that has no other programs than those in the folder. */
function setUp(machine: ScratchFolder, ...parts: string[]): { status: number | null; lines: string[] } {
  const file = machine.file('figures');
  const env = { PATH: machine.path, HOME: machine.path, TEST_FIGURES: file, npm_lifecycle_event: 'set-up' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...parts], { env });
  return { status, lines: `${stdout}${stderr}`.trim().split('\n') };
}

function put(machine: ScratchFolder, program: string, text: string): void {
  writeFileSync(machine.file(program), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

const figures = (machine: ScratchFolder) => JSON.parse(readFileSync(machine.file('figures'), 'utf8'));

describe('the set-up of what tests need', () => {
  it('finds what is there, and installs nothing', () => {
    using machine = bareMachine();
    put(machine, 'apt-get', 'echo "$@" >> "$HOME/apt-get.log"');
    put(machine, 'redis-server', '');
    put(machine, 'chromium', '');
    const { status, lines } = setUp(machine, 'redis', 'browser');
    assert.deepEqual(lines, [
      'Set-up: redis is here: redis-server',
      `Set-up: browser is here: ${machine.file('chromium')}`,
    ]);
    assert.equal(status, 0);
    assert.equal(existsSync(machine.file('apt-get.log')), false);
    assert.deepEqual(figures(machine), { passed: 2, failed: 0, skipped: 0 });
  });

  it('installs what is missing from the packages of Debian, as root alone; the next run finds it', () => {
    using machine = bareMachine();
    const installs =
      'case "$*" in *redis-server*) : > "$HOME/redis-server"; chmod +x "$HOME/redis-server";; esac';
    put(machine, 'apt-get', `echo "$1" >> "$HOME/apt-get.log"\n${installs}`);
    const { status, lines } = setUp(machine, 'redis');
    assert.equal(status, 0);
    if (process.getuid?.() !== 0) return assert.match(lines.join(), /sudo apt-get install .*redis-server/);
    assert.deepEqual(lines, [
      'Set-up: installing redis-server with apt-get',
      'Set-up: redis is here: redis-server',
    ]);
    setUp(machine, 'redis');
    assert.equal(readFileSync(machine.file('apt-get.log'), 'utf8'), 'update\ninstall\n');
  });

  it('says what it cannot have, and why; that fails nothing', () => {
    using machine = bareMachine();
    put(machine, 'apt-get', 'echo "no such package" >&2; exit 100');
    const { status, lines } = setUp(machine, 'redis', 'browser');
    assert.equal(status, 0);
    const words = lines.join('\n');
    for (const part of ['redis', 'browser']) {
      assert.match(
        words,
        new RegExp(`Set-up: ${part} is missing, and the tests that need it are skipped\\.`),
      );
    }
    assert.match(words, process.getuid?.() === 0 ? /no such package/ : /sudo apt-get install/);
    assert.deepEqual(figures(machine), { passed: 0, failed: 0, skipped: 2 });
  });

  it('refuses a part that there is not', () => {
    using machine = bareMachine();
    const { status, lines } = setUp(machine, 'rediss');
    assert.equal(status, 2);
    assert.match(lines.join(), /no part rediss.*redis, browser, editor, agent-host/);
  });
});
