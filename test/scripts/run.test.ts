import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchFolder } from '../support/scratch.ts';

const runner = join(import.meta.dirname, '../../scripts/run.ts');

/** What a script writes that counts its tests. */
function counts(
  passed: number,
  failed: number,
  skipped: number,
  exitCode = 0,
  failures: readonly { title: string; error: string }[] = [],
): string {
  const line = JSON.stringify(JSON.stringify({ passed, failed, skipped, failures }));
  return `require('fs').appendFileSync(process.env.TEST_FIGURES, ${line} + '\\n'); process.exitCode = ${exitCode}`;
}

/** Says that it is here, and says so again and ends when the other is here too. */
function meets(own: string, other: string): string {
  return `const { existsSync, watch, writeFileSync } = require('fs');
    console.log('${own}');
    writeFileSync('${own}.here', '');
    const look = () => existsSync('${other}.here') && process.exit(console.log('${own}'));
    watch('.', look);
    look();`;
}

const scripts = {
  plain: '',
  counting: counts(3, 0, 1),
  failing: counts(2, 1, 0, 1),
  named: counts(2, 1, 0, 1, [{ title: 'a door opens', error: 'it was locked\ntwice' }]),
  crashing: counts(2, 0, 0, 7),
  broken: 'process.exitCode = 3',
  empty: counts(0, 0, 0),
  'all-skipped': counts(0, 0, 4),
  lying: counts(2, 1, 0, 0),
  // Each of the two waits for the other.
  left: meets('left', 'right'),
  right: meets('right', 'left'),
};

describe('the runner of npm scripts', () => {
  const project = scratchFolder();
  before(() => {
    const commands = Object.entries(scripts).map(([name, code]) => {
      writeFileSync(project.file(`${name}.cjs`), code);
      return [name, `node ${name}.cjs`];
    });
    const nested = ['nested', `node ${JSON.stringify(runner)} counting plain`];
    writeFileSync(
      project.file('package.json'),
      JSON.stringify({ scripts: Object.fromEntries([...commands, nested]) }),
    );
  });
  after(() => project[Symbol.dispose]());

  const cases: [scripts: string[], lastLine: string, exitCode: number][] = [
    [['plain', 'counting'], '4 passed, 0 failed, 1 skipped', 0],
    [['nested', 'plain'], '5 passed, 0 failed, 1 skipped', 0],
    [['failing', 'counting'], '5 passed, 1 failed, 1 skipped', 1],
    [['lying'], '2 passed, 1 failed', 1],
    [['crashing'], '2 passed, 1 failed', 1],
    [['broken', 'plain'], '1 passed, 1 failed', 1],
    [['plain', 'empty'], '1 passed, 1 failed', 1],
    [['all-skipped'], '0 passed, 0 failed, 4 skipped', 1],
    [['all-skipped', 'plain'], '1 passed, 0 failed, 4 skipped', 0],
    [['no-such-script'], '0 passed, 1 failed', 1],
    [[], '0 passed, 0 failed', 1],
  ];
  it('names what failed once more at the end, with what was said about it', () => {
    const env = { ...process.env, TEST_FIGURES: undefined };
    const { stdout } = spawnSync(process.execPath, [runner, 'named', 'counting'], { cwd: project.path, env });
    assert.ok(
      stdout
        .toString()
        .endsWith('\n✘ a door opens\n    it was locked\n    twice\n\n5 passed, 1 failed, 1 skipped\n'),
      stdout.toString(),
    );
  });

  it('runs lanes side by side, after what stands in front of them, and mixes no words', () => {
    const env = { ...process.env, TEST_FIGURES: undefined };
    const args = [runner, 'plain', '--lane', 'left', 'counting', '--lane', 'right'];
    const { status, stdout } = spawnSync(process.execPath, args, { cwd: project.path, env });
    const words = stdout.toString();
    assert.equal(status, 0, words);
    for (const own of ['left', 'right']) assert.match(words, new RegExp(`── ${own} ─+\n\n+${own}\n${own}\n`));
    assert.match(words, /── plain .*✔ plain.*✔ left.*✔ counting.*✔ right/s);
    assert.equal(words.trimEnd().split('\n').at(-1), '6 passed, 0 failed, 1 skipped');
  });

  for (const [names, lastLine, exitCode] of cases) {
    it(`ends "${names.join(' ')}" with "${lastLine}" and exit code ${exitCode}`, () => {
      const env = { ...process.env, TEST_FIGURES: undefined };
      const { status, stdout } = spawnSync(process.execPath, [runner, ...names], { cwd: project.path, env });
      assert.equal(stdout.toString().trimEnd().split('\n').at(-1), lastLine);
      assert.equal(status, exitCode);
    });
  }
});
