// Makes a release. The workflow .github/workflows/release.yml runs these and nothing else of its own:
//
//   npm run release -- --dry-run           checks, packs, and says what would be published where; publishes nothing
//   npm run release -- --pack              checks, and packs into release/
//   npm run release -- --publish <place>   publishes what lies in release/: marketplace, open-vsx, npm or github
//
// `--tag <tag>` stands for the tag of this commit. Secrets come by environment variables that the programs which need
// them read: VSCE_PAT, OVSX_PAT, GH_TOKEN.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  artefactsOf,
  changedFiles,
  changelogSection,
  digestLine,
  places,
  problemsOf,
  publicationAt,
  type ReleaseFacts,
} from './release-plan.ts';

const folder = 'release';
const root = join(import.meta.dirname, '..');
process.chdir(root);

const { values } = parseArgs({
  options: {
    'dry-run': { type: 'boolean', default: false },
    pack: { type: 'boolean', default: false },
    publish: { type: 'string' },
    tag: { type: 'string' },
  },
});
const facts = factsOfTree(values.tag);
const artefacts = artefactsOf(facts.name, facts.version);
const tag = `v${facts.version}`;

try {
  if (values['dry-run']) dryRun();
  else if (values.pack) pack(check());
  else if (values.publish !== undefined) publish(values.publish);
  else throw new Error('say --dry-run, --pack or --publish <place>');
} catch (error) {
  console.error(`release: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

function factsOfTree(given: string | undefined): ReleaseFacts {
  const { name, version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const tags = output('git', ['tag', '--points-at', 'HEAD']);
  return {
    name,
    version,
    lockVersion: JSON.parse(readFileSync('package-lock.json', 'utf8')).version,
    tag: given ?? (tags.includes(`v${version}`) ? `v${version}` : tags[0]),
    changelog: readFileSync('CHANGELOG.md', 'utf8'),
    changes: output('git', ['status', '--porcelain']),
  };
}

/** Lines that a program writes. */
function output(program: string, args: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return stdout.split('\n').filter(Boolean);
}

function dryRun(): void {
  const problems = problemsOf(facts);
  console.log(`${facts.name} ${facts.version}\n`);
  for (const problem of problems) console.log(`✘ ${problem}`);
  if (problems.length === 0) console.log('✔ version, tag, changelog and work tree are in order');
  pack(facts);
  console.log('\nWould run:\n');
  const isSet = (variable: string) => Boolean(process.env[variable]);
  for (const place of places) {
    const { command, secret, otherwise } = publicationAt(place, folder, artefacts, tag, isSet);
    const identity = secret && isSet(secret) ? `with ${secret}` : otherwise;
    console.log(
      `  ${command.join(' ')}\n    ${secret && !isSet(secret) ? `without ${secret}: ` : ''}${identity}`,
    );
  }
  if (problems.length > 0) process.exitCode = 1;
}

/** The facts, if they allow a release. */
function check(): ReleaseFacts {
  const problems = problemsOf(facts);
  if (problems.length > 0) throw new Error(`not ready:\n  ${problems.join('\n  ')}`);
  return facts;
}

/** Fills release/ anew, and lists what is in it. */
function pack({ version, changelog }: ReleaseFacts): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  run(process.execPath, ['scripts/package.ts', '--out', join(folder, artefacts.extension)]);
  run('npm', ['pack', '--silent', '--pack-destination', folder]);
  writeFileSync(join(folder, artefacts.notes), `${changelogSection(changelog, version) ?? ''}\n`);
  const files = [artefacts.extension, artefacts.package];
  const sums = files.map((file) => digestLine(digestOf(file) ?? '', file));
  writeFileSync(join(folder, artefacts.digests), sums.join(''));
  console.log(`\nIn ${folder}/:\n`);
  for (const [index, file] of files.entries()) {
    const { size } = statSync(join(folder, file));
    console.log(`  ${sums[index]?.trimEnd()}  ${(size / 1024).toFixed(1)} KiB`);
  }
}

function publish(name: string): void {
  const place = places.find((known) => known === name);
  if (!place) throw new Error(`"${name}" is none of ${places.join(', ')}`);
  const sums = readFileSync(join(folder, artefacts.digests), 'utf8');
  const changed = changedFiles(sums, digestOf);
  if (changed.length > 0) throw new Error(`not the bytes that were packed: ${changed.join(', ')}`);
  const [program = '', ...args] = publicationAt(place, folder, artefacts, tag, (variable) =>
    Boolean(process.env[variable]),
  ).command;
  run(program, args);
}

function digestOf(file: string): string | undefined {
  const path = join(folder, file);
  return existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : undefined;
}

function run(program: string, args: readonly string[]): void {
  const isScript = process.platform === 'win32' && program !== process.execPath;
  const { status, error } = spawnSync(program, args, { stdio: 'inherit', shell: isScript });
  if (status !== 0) throw new Error(`${program} ${args[0]} failed${error ? `: ${error.message}` : ''}`);
}
