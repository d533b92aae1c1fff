import assert from 'node:assert/strict';
import {
  artefactsOf,
  changedFiles,
  changelogSection,
  digestLine,
  places,
  problemsOf,
  publicationAt,
  type ReleaseFacts,
} from '../../scripts/release-plan.ts';

const changelog = `# Changelog

Some words.

## [Unreleased]

## [1.2.0] - 2026-12-01

### Added

- A door.

## [1.1.0] - 2026-11-01

- A window.
`;

const ready: ReleaseFacts = {
  name: 'house',
  version: '1.2.0',
  lockVersion: '1.2.0',
  tag: 'v1.2.0',
  changelog,
  changes: [],
};

describe('the plan of a release', () => {
  it('has nothing to say when everything is in order', () => assert.deepEqual(problemsOf(ready), []));

  const unready: Readonly<Record<string, readonly [Partial<ReleaseFacts>, RegExp]>> = {
    'a commit without a tag': [{ tag: undefined }, /^this commit has no tag: git tag --annotate v1\.2\.0$/],
    'a tag of another version': [{ tag: 'v1.3.0' }, /^the tag is v1\.3\.0, and package\.json says 1\.2\.0$/],
    'a lock of another version': [{ lockVersion: '1.1.0' }, /^package-lock\.json is of 1\.1\.0/],
    'a version that the changelog does not know': [
      { version: '1.2', lockVersion: '1.2', tag: 'v1.2' },
      /^CHANGELOG\.md has no section "## \[1\.2\] - <date>"$/,
    ],
    'a section without a date': [
      { changelog: changelog.replace(' - 2026-12-01', '') },
      /^CHANGELOG\.md has no section/,
    ],
    'a section without words': [
      { changelog: changelog.replace(/### Added\n\n- A door\.\n/, '') },
      /^CHANGELOG\.md says nothing under \[1\.2\.0\]$/,
    ],
    'lines that are left under [Unreleased]': [
      { changelog: changelog.replace('[Unreleased]\n', '[Unreleased]\n\n- A roof.\n') },
      /^CHANGELOG\.md has lines left under \[Unreleased\]$/,
    ],
    'a work tree with changes': [
      { changes: [' M src/a.ts'] },
      /^the work tree is not clean:\n {5}M src\/a\.ts$/m,
    ],
  };
  for (const [what, [facts, words]] of Object.entries(unready)) {
    it(`names ${what}`, () => {
      const problems = problemsOf({ ...ready, ...facts });
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.match(problems[0] ?? '', words);
    });
  }

  it('takes the notes from the section of the version, without its heading', () => {
    assert.equal(changelogSection(changelog, '1.2.0'), '### Added\n\n- A door.');
    assert.equal(changelogSection(changelog, '1.1.0'), '- A window.');
    assert.equal(changelogSection(changelog, '1.0.0'), undefined);
  });

  it('names no secret in a command, and takes another identity where a secret is missing', () => {
    const files = artefactsOf('house', '1.2.0');
    for (const place of places) {
      const commands = [true, false].map((isSet) =>
        publicationAt(place, 'release', files, 'v1.2.0', () => isSet).command.join(' '),
      );
      for (const command of commands) assert.doesNotMatch(command, /PAT|TOKEN/, place);
    }
    const marketplace = (isSet: boolean) =>
      publicationAt('marketplace', 'release', files, 'v1.2.0', () => isSet).command.includes('--oidc');
    assert.deepEqual([marketplace(true), marketplace(false)], [false, true]);
  });

  it('publishes no file whose bytes have changed since it was packed, or that is gone', () => {
    const [a, b] = ['a', 'b'].map((letter) => letter.repeat(64));
    const sums = digestLine(`${a}`, 'one.vsix') + digestLine(`${b}`, 'two.tgz');
    const digests = new Map([
      ['one.vsix', a],
      ['two.tgz', b],
    ]);
    assert.deepEqual(
      changedFiles(sums, (file) => digests.get(file)),
      [],
    );
    digests.set('one.vsix', b);
    digests.delete('two.tgz');
    assert.deepEqual(
      changedFiles(sums, (file) => digests.get(file)),
      ['one.vsix', 'two.tgz'],
    );
    assert.deepEqual(
      changedFiles('nonsense\n', () => undefined),
      ['nonsense'],
    );
  });
});
