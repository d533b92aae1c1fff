import { realpathSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { printable, printableJson } from '../../base/printable.ts';
import { product } from '../../base/product.ts';
import type { OwnProgram } from '../../config/import/wrap/words.ts';
import { type Command, Failed, parse, UsageError } from '../command.ts';
import { chosen, type FileChange, type Planned, planProtection, planRelease } from './change.ts';
import { type ClientEntry, type ClientFile, clientFiles, entriesOf } from './client-files.ts';
import { Records } from './records.ts';
import { difference, secretPlaces, shownPath, stateOf, table } from './show.ts';
import { writeInPlace } from './write-file.ts';

const EXIT_LEFT = 1;

const options = `  --all                       Every server that can be, instead of names.
  --file <path>               Look at this file, and at no others that are not named; may be repeated. Files in git, and
                              those of other programs than VS Code, are written only when they are named.
  --dry-run                   Show what would be written, and write nothing.
  --yes                       Write without asking.
  --json                      Print the result as JSON. Without --dry-run or --yes nothing is written.`;

const protectUsage = `Usage: resilient-mcp protect [name…] [options]

Leads servers through "resilient-mcp attach" where they stand in the configuration files of MCP clients: same file, same
name, same variables and folder. Without a name, lists the files and servers that are found. Shows what is to be written,
and asks before it writes a file. "resilient-mcp unprotect" gives back the original, to the byte.

${options}
  --with <program>            What the entries start: here (this program, by its path), or npx (resilient-mcp of this
                              version, for a file that others share). Default: npx in git and when npx runs this; else here.
  --help                      This text.
  --version                   The version.

Secrets stay in the file where they stand. Exit codes: 0 done; 1 something could not be done; 2 the usage is invalid.
`;

const unprotectUsage = `Usage: resilient-mcp unprotect [name…] [options]

Takes "resilient-mcp attach" out of the configuration files of MCP clients again. An entry that "protect" has changed gets its
original text back, to the byte; in others the words in front are removed.

${options}
  --help                      This text.
  --version                   The version.
`;

interface Wanted {
  readonly names: readonly string[];
  readonly all: boolean;
  readonly files: readonly string[];
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

export const protect: Command = {
  summary: 'lead servers in the configuration files of clients through attach',
  usage: protectUsage,
  run: async (args) => {
    const { wanted, program } = wantedOf(args, true);
    const programFor = programChoice(program);
    await run(wanted, (entries) =>
      planProtection(entries, { isFileNamed: wanted.files.length > 0, all: wanted.all, programFor }),
    );
  },
};

export const unprotect: Command = {
  summary: 'take attach out of those files again',
  usage: unprotectUsage,
  run: async (args) => {
    const records = new Records(process.env);
    const { wanted } = wantedOf(args, false);
    const written = records.all().map(({ file }) => file);
    await run(wanted, (entries) => planRelease(entries, (file, path) => records.of(file, path)), written);
  },
};

function wantedOf(
  args: readonly string[],
  withProgram: boolean,
): { wanted: Wanted; program: string | undefined } {
  const { values, positionals: names } = parse(args, {
    all: { type: 'boolean', default: false },
    file: { type: 'string', multiple: true, default: [] as string[] },
    'dry-run': { type: 'boolean', default: false },
    yes: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    ...(withProgram && { with: { type: 'string' } as const }),
  });
  const { all, file: files, 'dry-run': dryRun, yes, json } = values;
  if (all && names.length > 0) throw new UsageError('names and --all exclude each other.');
  return {
    wanted: { names, all, files, dryRun, yes, json },
    program: (values as { readonly with?: string }).with,
  };
}

/** The words that start this program, as entries of a file get them. @throws UsageError */
function programChoice(given: string | undefined): (file: ClientFile) => OwnProgram {
  if (given !== undefined && given !== 'here' && given !== 'npx') {
    throw new UsageError(`--with must be here or npx, not ${given}.`);
  }
  const script = realpathSync(process.argv[1] ?? '');
  // What npx has put into its cache is gone some day.
  const isPassing = /[\\/]_npx[\\/]/.test(script);
  const words = ['npx', '-y', `resilient-mcp@${product.version}`];
  const [command = '', ...args] = process.platform === 'win32' ? ['cmd', '/c', ...words] : words;
  return ({ isInGit }) =>
    (given ?? (isInGit || isPassing ? 'npx' : 'here')) === 'npx'
      ? { command, args }
      : { command: process.execPath, args: [script] };
}

async function run(
  wanted: Wanted,
  plan: (entries: readonly ClientEntry[]) => Planned,
  further: readonly string[] = [],
): Promise<void> {
  const entries = clientFiles(wanted.files, further).flatMap(entriesOf);
  if (wanted.names.length === 0 && !wanted.all) return list(entries, wanted.json);
  const planned = plan(chosen(entries, wanted.names, wanted.all));
  const written: FileChange[] = [];
  const refused: string[] = [];
  for (const change of planned.files) {
    if (!wanted.json) show(change);
    if (wanted.dryRun || !(await mayWrite(change, wanted))) continue;
    try {
      await write(change);
      written.push(change);
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      refused.push(error.message);
    }
  }
  report(planned, written, wanted.json);
  for (const message of refused) console.error(`resilient-mcp: ${printable(message)}`);
  const isLeft = planned.left.some(({ isTrouble }) => isTrouble);
  const isUnwritten = !wanted.dryRun && written.length < planned.files.length;
  if (isLeft || isUnwritten) process.exitCode = EXIT_LEFT;
}

function list(entries: readonly ClientEntry[], json: boolean): void {
  if (json) {
    console.log(printableJson(entries.map(plain), 2));
  } else if (entries.length === 0) {
    console.log('No servers were found in the configuration files of MCP clients. Name one: --file <path>');
  } else {
    console.log(table(entries));
  }
}

function show({ file, entries }: FileChange): void {
  console.log(
    printable(`--- ${shownPath(file.path)} (${file.format.title}${file.isInGit ? ', in git' : ''})`),
  );
  for (const { entry, change } of entries) {
    console.log(difference(change, entry.server));
    const places = entry.server ? secretPlaces(entry.server) : [];
    if (places.length > 0) {
      console.log(printable(`   A literal secret stays in this file: ${places.join(', ')}.`));
    }
  }
}

async function mayWrite({ file }: FileChange, { yes, json }: Wanted): Promise<boolean> {
  if (yes) return true;
  if (json || !process.stdin.isTTY) {
    console.error(
      `resilient-mcp: ${printable(shownPath(file.path))} is not written: nobody can be asked here. Use --yes.`,
    );
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Write ${printable(shownPath(file.path))}? [y/N] `);
  terminal.close();
  return /^y(?:es)?$/i.test(answer.trim());
}

/** The way back is kept before the first change, and forgotten after the last. */
async function write({ file, after, entries }: FileChange): Promise<void> {
  const records = new Records(process.env);
  const [released, wrapped] = [true, false].map((isProtected) =>
    entries.filter(({ entry }) => entry.isProtected === isProtected).map(({ change }) => change),
  );
  if (wrapped && wrapped.length > 0) await records.keep(file.path, wrapped);
  await writeInPlace(file.path, file.text, after);
  if (released && released.length > 0) {
    await records.forget(
      file.path,
      released.map(({ path }) => path),
    );
  }
}

function report({ files, left }: Planned, written: readonly FileChange[], json: boolean): void {
  if (json) {
    const changed = files.flatMap((file) =>
      file.entries.map(({ entry }) => ({ ...plain(entry), written: written.includes(file) })),
    );
    const others = left.map(({ entry, reason }) => ({ ...plain(entry), written: false, reason }));
    console.log(printableJson([...changed, ...others], 2));
    return;
  }
  for (const { file, entries } of written) {
    console.log(
      printable(`${shownPath(file.path)}: written (${entries.map(({ entry }) => entry.name).join(', ')})`),
    );
  }
  for (const { entry, reason } of left) {
    console.error(`resilient-mcp: ${printable(`${JSON.stringify(entry.name)} ${reason}`)}`);
  }
  if (written.length > 0) console.log('Restart the client, or its servers, for this to take effect.');
}

/** An entry as a script reads it. */
function plain(entry: ClientEntry) {
  const { file, name, project, isProtected } = entry;
  return {
    file: file.path,
    client: file.format.id,
    ...(project !== undefined && { project }),
    server: name,
    protected: isProtected,
    state: stateOf(entry),
  };
}
