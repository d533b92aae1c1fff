import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cloneTo } from '../support/clone.ts';
import { scratchFolder } from '../support/scratch.ts';

/** A repository of its own, at the tag of its version, with a changelog that says so. */
describe('npm run release', () => {
  const clone = scratchFolder();
  const version = '9.9.9';

  before(() => {
    cloneTo(clone.path);
    for (const file of ['package.json', 'package-lock.json']) {
      const text = readFileSync(clone.file(file), 'utf8');
      writeFileSync(clone.file(file), text.replace(/"version": "[^"]+"/, `"version": "${version}"`));
    }
    const text = readFileSync(clone.file('CHANGELOG.md'), 'utf8');
    const heading = `## [Unreleased]\n\n## [${version}] - 2026-12-01\n\n- Our line.`;
    writeFileSync(clone.file('CHANGELOG.md'), text.replace('## [Unreleased]', heading));
    git('init', '--quiet');
    git('add', '--all', '--', ':!node_modules');
    git('commit', '--quiet', '--message', 'all');
    git('tag', `v${version}`);
    appendFileSync(clone.file('.git/info/exclude'), 'node_modules\n');
  });
  after(() => clone[Symbol.dispose]());

  function git(...args: string[]): void {
    const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false'];
    execFileSync('git', [...who, ...args], { cwd: clone.path, stdio: 'pipe' });
  }

  function release(...args: string[]) {
    return spawnSync(process.execPath, ['scripts/release.ts', ...args], {
      cwd: clone.path,
      encoding: 'utf8',
    });
  }

  it('packs both packages and shows what it would publish where, and publishes nothing', () => {
    const { status, stdout, stderr } = release('--dry-run');
    assert.equal(status, 0, stdout + stderr);
    for (const words of [
      'vsce publish',
      'npx --yes ovsx@1.4.0 publish',
      'npm publish',
      `gh release create v${version}`,
    ]) {
      assert.ok(stdout.includes(`  ${words} `), `${words} is not in:\n${stdout}`);
    }
    const files = readdirSync(clone.file('release')).sort();
    const [vsix, tarball] = [`resilient-mcp-${version}.vsix`, `resilient-mcp-${version}.tgz`];
    assert.deepEqual(files, ['SHA256SUMS', 'notes.md', tarball, vsix]);
    const sums = [vsix, tarball].map((file) => {
      const digest = createHash('sha256')
        .update(readFileSync(clone.file(`release/${file}`)))
        .digest('hex');
      return `${digest}  ${file}\n`;
    });
    assert.equal(readFileSync(clone.file('release/SHA256SUMS'), 'utf8'), sums.join(''));
    assert.match(readFileSync(clone.file('release/notes.md'), 'utf8'), /^- Our line\.$/m);
  });

  it('builds the version of package.json into everything that says it', () => {
    for (const program of ['src/cli/main.ts', 'dist/esm/cli/main.js', 'dist/cli/main.mjs']) {
      const told = execFileSync(process.execPath, [program, '--version'], {
        cwd: clone.path,
        encoding: 'utf8',
      });
      assert.equal(told.trim(), version, program);
    }
    for (const file of ['attach.js', 'gateway.js', 'window.js']) {
      assert.ok(readFileSync(clone.file(`dist/${file}`), 'utf8').includes(`version:"${version}"`), file);
    }
  });

  it('publishes no bytes that are not those which were packed', () => {
    appendFileSync(clone.file(`release/resilient-mcp-${version}.tgz`), 'x');
    const { status, stderr } = release('--publish', 'npm');
    assert.match(stderr, /^release: not the bytes that were packed: resilient-mcp-[\d.]+\.tgz$/m);
    assert.equal(status, 1);
  });

  it('packs nothing from a work tree that is not clean', () => {
    appendFileSync(clone.file('README.md'), '\n');
    const { status, stderr } = release('--pack');
    assert.match(stderr, /not ready:\n {2}the work tree is not clean:\n\s+M README\.md/);
    assert.equal(status, 1);
  });
});
