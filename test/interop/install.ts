import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { runToEnd } from '../support/run-to-end.ts';

const INSTALL_LIMIT_MS = 8 * 60_000;
const programs = join(import.meta.dirname, 'programs');

/** How something comes into a folder of its own, by its own package client. */
export interface Installation {
  /** All that decides what is installed: versions, sources. A change of any of them installs anew. */
  readonly inputs: readonly string[];
  /** Installs into a folder that is empty. @throws Error with the last lines of the client */
  readonly install: (folder: string) => Promise<void>;
  /** What can be done again at each run, such as copying a program beside its packages. Default: nothing. */
  readonly refresh?: (folder: string) => void;
}

/** The folder under which everything is installed: INTEROP_CACHE, else a folder in the user's cache. */
function cacheFolder(): string {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return process.env.INTEROP_CACHE || join(cache, 'resilient-mcp', 'interop');
}

/** Installs what is not there yet; gives its folder. */
export async function installed(name: string, { inputs, install, refresh }: Installation): Promise<string> {
  const digest = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), `${name}-${digest}`);
  const whole = join(folder, '.whole');
  // Not renamed when whole, since a virtual environment keeps the path at which it was made.
  if (!existsSync(whole)) {
    console.log(`  installing ${inputs.filter((each) => each.length < 80).join(' ')}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    await install(folder);
    writeFileSync(whole, '');
  }
  refresh?.(folder);
  return folder;
}

/** The first of these programs that is not on the PATH. */
export function missingProgram(names: readonly string[]): string | undefined {
  return names.find((name) => !isOnPath(name));
}

function isOnPath(name: string): boolean {
  const endings = process.platform === 'win32' ? ['.exe', '.cmd'] : [''];
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.some((folder) => endings.some((ending) => isExecutable(join(folder, name + ending))));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Packages of npm, and programs of `programs/` that import them. */
export function fromNpm(packages: readonly string[], ...sources: readonly string[]): Installation {
  return {
    inputs: packages,
    async install(folder) {
      writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
      const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--save-exact', '--prefer-offline'];
      await client('npm', ['install', ...flags, ...packages], folder);
    },
    refresh: (folder) => copyPrograms(sources, folder),
  };
}

/** Packages of the Python Package Index in a virtual environment. @see pythonIn */
export function fromPip(packages: readonly string[]): Installation {
  return {
    inputs: packages,
    async install(folder) {
      await client('python3', ['-m', 'venv', folder], folder);
      const flags = ['--quiet', '--no-input', '--disable-pip-version-check', '--prefer-binary'];
      await client(pythonIn(folder), ['-m', 'pip', 'install', ...flags, ...packages], folder);
    },
  };
}

/** The interpreter of a virtual environment. */
export function pythonIn(folder: string): string {
  return process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
}

/** Runs a package client or a compiler to its end. @throws Error with its last lines when it fails */
export async function client(program: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, output } = await runToEnd(program, args, { cwd, limitMs: INSTALL_LIMIT_MS });
  if (code === '0') return;
  const lines = output.trim().split('\n').slice(-15).join('\n    ');
  throw new Error(`${basename(program)} ${args.slice(0, 3).join(' ')} …: ${code}\n    ${lines}`);
}

/** The path of a file of `programs/`. */
export function programFile(source: string): string {
  return join(programs, source);
}

/** The text of a file of `programs/`, for {@link Installation.inputs} of what is compiled. */
export function programText(source: string): string {
  return readFileSync(programFile(source), 'utf8');
}

/** Copies files of `programs/`, each without the folder of its language. */
export function copyPrograms(sources: readonly string[], folder: string): void {
  for (const source of sources) {
    const target = join(folder, source.split('/').slice(1).join('/'));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(programFile(source), target);
  }
}
