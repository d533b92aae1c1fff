/** What a release is checked for, by pure functions: scripts/release.ts collects the facts and runs the commands. */

/** What is true of the work tree, before anything is packed. */
export interface ReleaseFacts {
  readonly name: string;
  readonly version: string;
  /** The version in package-lock.json. */
  readonly lockVersion: string;
  /** The tag that is released; undefined where the commit has none. */
  readonly tag: string | undefined;
  readonly changelog: string;
  /** Lines of `git status --porcelain`. */
  readonly changes: readonly string[];
}

/** Everything that forbids the release, each with what to do about it. */
export function problemsOf({ version, lockVersion, tag, changelog, changes }: ReleaseFacts): string[] {
  const wanted = `v${version}`;
  const section = changelogSection(changelog, version);
  return [
    ...(tag === wanted ? [] : [tagProblem(tag, wanted)]),
    ...(lockVersion === version ? [] : [`package-lock.json is of ${lockVersion}: run npm install`]),
    ...(section === undefined ? [`CHANGELOG.md has no section "## [${version}] - <date>"`] : []),
    ...(section === '' ? [`CHANGELOG.md says nothing under [${version}]`] : []),
    ...(changelogSection(changelog, 'Unreleased') ? [`CHANGELOG.md has lines left under [Unreleased]`] : []),
    ...(changes.length === 0
      ? []
      : [`the work tree is not clean:\n    ${changes.slice(0, 10).join('\n    ')}`]),
  ];
}

function tagProblem(tag: string | undefined, wanted: string): string {
  if (tag === undefined) return `this commit has no tag: git tag --annotate ${wanted}`;
  return `the tag is ${tag}, and package.json says ${wanted.slice(1)}`;
}

/** The text below the heading of a version, without the heading; undefined where there is none. */
export function changelogSection(changelog: string, version: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1);
  const heading =
    version === 'Unreleased' ? /^\[Unreleased\]\s*$/m : /^\[([^\]]+)\] - \d{4}-\d{2}-\d{2}\s*$/m;
  const found = sections.find((section) => {
    const match = heading.exec(section.split('\n', 1)[0] ?? '');
    return match !== null && (match[1] ?? 'Unreleased') === version;
  });
  return found?.split('\n').slice(1).join('\n').trim();
}

/** The files of a release, by their names in its folder. */
export interface Artefacts {
  readonly extension: string;
  readonly package: string;
  readonly notes: string;
  readonly digests: string;
}

export function artefactsOf(name: string, version: string): Artefacts {
  return {
    extension: `${name}-${version}.vsix`,
    package: `${name}-${version}.tgz`,
    notes: 'notes.md',
    digests: 'SHA256SUMS',
  };
}

export const places = ['marketplace', 'open-vsx', 'npm', 'github'] as const;
export type Place = (typeof places)[number];

export interface Publication {
  readonly command: readonly string[];
  /** The environment variable that carries the secret; the command reads it itself. */
  readonly secret?: string;
  /** What happens where there is no secret. */
  readonly otherwise: string;
}

/**
 * How a release is published at a place.
 *
 * @param has whether an environment variable is set
 */
export function publicationAt(
  place: Place,
  folder: string,
  { extension, package: tarball, notes, digests }: Artefacts,
  tag: string,
  has: (variable: string) => boolean,
): Publication {
  const file = (name: string) => `${folder}/${name}`;
  switch (place) {
    case 'marketplace': {
      const identity = has('VSCE_PAT') ? [] : ['--oidc'];
      return {
        command: ['vsce', 'publish', '--packagePath', file(extension), '--skip-duplicate', ...identity],
        secret: 'VSCE_PAT',
        otherwise: 'by the identity of the workflow (OpenID Connect)',
      };
    }
    case 'open-vsx':
      return {
        command: [
          'npx',
          '--yes',
          'ovsx@1.4.0',
          'publish',
          '--packagePath',
          file(extension),
          '--skip-duplicate',
        ],
        secret: 'OVSX_PAT',
        otherwise: 'by the identity of the workflow (OpenID Connect)',
      };
    case 'npm':
      return {
        command: ['npm', 'publish', file(tarball), '--provenance', '--access', 'public'],
        otherwise: 'by the identity of the workflow (a trusted publisher)',
      };
    case 'github': {
      const files = [extension, tarball, digests].map(file);
      return {
        command: [
          ...['gh', 'release', 'create', tag, ...files],
          ...['--verify-tag', '--title', tag, '--notes-file', file(notes)],
        ],
        secret: 'GH_TOKEN',
        otherwise: 'as whom gh is signed in',
      };
    }
  }
}

/** A line of `sha256sum`, which `sha256sum --check` and attestations read. */
export function digestLine(digest: string, file: string): string {
  return `${digest}  ${file}\n`;
}

/** The names whose bytes are not those that were packed, or are not there. */
export function changedFiles(sums: string, digestOf: (file: string) => string | undefined): string[] {
  const lines = sums.split('\n').filter(Boolean);
  const pairs = lines.map((line) => /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? ['', '', line]);
  return pairs.filter(([, digest, file]) => digest !== digestOf(file ?? '')).map(([, , file]) => file ?? '');
}
