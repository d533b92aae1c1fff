/**
 * Installs the editor host: once, into a folder outside the work tree. It is put together in a folder of its own and
 * renamed when whole, so a broken-off install is never taken for the host.
 */
import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';
import {
  type EditorHost,
  hostFolder,
  hostIn,
  IDENTITY,
  isWhole,
  loads,
  MARKER,
  NODE_PACKAGE,
  packageIn,
  vscodeIn,
} from '../editor-host/host.ts';
import { MissingPartError } from '../editor-host/missing-part.ts';
import { CODE_SERVER_VERSION, NATIVE_MODULES, NODE_VERSION } from '../editor-host/pins.ts';
import { ProcessGroup } from '../editor-host/process-group.ts';
import { onPath } from '../editor-host/programs.ts';
import { installPackages, missingOf } from './debian-packages.ts';

const STEP_LIMIT_MS = 10 * 60_000;
const STAGE_SUFFIX = '.partial-';
/** What node-gyp needs. */
const TOOLCHAIN = ['g++', 'make', 'python3'];

/**
 * The host, installed when it is not there yet (about a minute and 800 MB).
 *
 * @param say receives a line for each step that takes time; nothing when the host is there already.
 * @throws MissingPartError when something is missing that cannot be installed from here.
 */
export async function ensureEditorHost(say: (line: string) => void): Promise<EditorHost> {
  if (process.platform !== 'linux' && process.platform !== 'darwin') {
    throw new MissingPartError('Linux or macOS', 'Elsewhere the tests run in a downloaded desktop VS Code.');
  }
  const root = hostFolder();
  if (!(await isWhole(root))) await install(root, say);
  return hostIn(root);
}

/**
 * Builds a native module of the host that only some tests need, unless it is built already.
 * @throws MissingPartError when it cannot be built here
 */
export async function buildNativeModule(
  host: EditorHost,
  name: string,
  say: (line: string) => void,
): Promise<void> {
  if (await loads(host, name)) return;
  await ensureToolchain(say);
  say(`building ${name} (once, some minutes)`);
  const rebuilding = npm(host, vscodeIn(host.root), [...REBUILD, name]);
  await rebuilding.catch((cause) => {
    throw new MissingPartError(name, 'It could not be built.', { cause });
  });
  if (!(await loads(host, name))) throw new MissingPartError(name, 'It was built, and does not load.');
}

const REBUILD = ['rebuild', '--ignore-scripts=false', '--loglevel=error'];

async function ensureToolchain(say: (line: string) => void): Promise<void> {
  const missing = await missingOf(TOOLCHAIN);
  if (missing.length > 0) await installPackages(missing, say);
}

async function install(root: string, say: (line: string) => void): Promise<void> {
  await refuseForeignFolder(root);
  await ensureToolchain(say);
  await mkdir(dirname(root), { recursive: true });
  await removeAbandonedStages(root);
  const stage = `${root}${STAGE_SUFFIX}${process.pid}`;
  try {
    await mkdir(stage);
    await assemble(stage, say);
    await writeFile(join(stage, MARKER), IDENTITY);
    await moveIntoPlace(stage, root);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
  say(`the editor host is in ${root}`);
}

/** What an install that was killed has left behind: its stage bears the number of a process that is gone. */
async function removeAbandonedStages(root: string): Promise<void> {
  const prefix = basename(root) + STAGE_SUFFIX;
  for (const name of await readdir(dirname(root))) {
    if (!name.startsWith(prefix) || isRunning(Number(name.slice(prefix.length)))) continue;
    // Another run may be at the same; what is left this time goes the next time.
    await rm(join(dirname(root), name), { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // it runs, and is somebody else's
  }
}

/** A folder that holds something else than a host of ours is the user's, and is not touched. */
async function refuseForeignFolder(root: string): Promise<void> {
  const content: string[] = await readdir(root).catch(() => []);
  if (content.length === 0 || content.includes(MARKER)) return;
  throw new MissingPartError(
    'a folder for itself',
    `${root} holds other files. Remove it, or let RESILIENT_MCP_EDITOR_HOST name another folder.`,
  );
}

async function moveIntoPlace(stage: string, root: string): Promise<void> {
  await rmdir(root).catch(() => {}); // an empty folder was made ready for us
  if (!(await isWhole(root))) await rm(root, { recursive: true, force: true }); // a host of other versions
  try {
    await rename(stage, root);
  } catch (error) {
    if (!(await isWhole(root))) throw error; // else another run was quicker, and its host is as good
  }
}

/** The steps of code-server's own installation that the tests need; README.md says what is left out. */
async function assemble(stage: string, say: (line: string) => void): Promise<void> {
  const host = hostIn(stage);
  // What makes a host whole is just what it depends on.
  const manifest = { private: true, dependencies: JSON.parse(IDENTITY) };
  await writeFile(join(stage, 'package.json'), JSON.stringify(manifest));
  // Scripts stay off: code-server's postinstall refuses a Node that is not its own, and compiles modules no test uses.
  const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  say(`installing code-server ${CODE_SERVER_VERSION} and Node ${NODE_VERSION} (once, about a minute)`);
  await npm(host, stage, ['install', ...quietly]);
  const vscode = vscodeIn(stage);
  say('installing the packages of its VS Code');
  await npm(host, vscode, ['install', '--omit=dev', ...quietly]);
  say(`building ${NATIVE_MODULES.join(' and ')}`);
  await npm(host, vscode, [...REBUILD, ...NATIVE_MODULES]);
  if (!(await loads(host, ...NATIVE_MODULES))) throw new Error(`${NATIVE_MODULES.join(', ')} do not load.`);
}

async function npm(host: EditorHost, cwd: string, args: readonly string[]): Promise<void> {
  const script = process.env.npm_execpath;
  const program = await onPath('npm');
  if (script === undefined && program === undefined) {
    throw new MissingPartError('npm', 'It comes with Node: https://nodejs.org');
  }
  const [command, ...before] = script === undefined ? ['npm'] : [process.execPath, script];
  await new ProcessGroup(command ?? 'npm', [...before, ...args], {
    cwd,
    env: npmEnvironment(host),
  }).succeeded(STEP_LIMIT_MS);
}

/** Settings that say how packages are reached are the user's to make; the others describe the npm run we are in. */
const KEPT_NPM_SETTINGS =
  /^npm_config_(registry|cache|userconfig|globalconfig|proxy|https_proxy|noproxy|cafile)$/i;

function npmEnvironment({ root, node }: EditorHost): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^npm_/i.test(name) || KEPT_NPM_SETTINGS.test(name),
  );
  const env = Object.fromEntries(entries);
  // The host's Node comes first, as soon as it is there, and its own headers whatever `nodedir` the user has set:
  // a module that is built against another Node does not load.
  env.PATH = [dirname(node), dirname(process.execPath), env.PATH].join(delimiter);
  env.npm_config_nodedir = packageIn(root, NODE_PACKAGE);
  return env;
}
