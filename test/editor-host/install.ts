/**
 * Finds the editor host on this machine, or installs it: once, into a folder outside the work tree. It is put
 * together in a folder of its own and renamed when whole, so a broken-off install is never taken for the host.
 */
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { MissingPartError } from './missing-part.ts';
import { CODE_SERVER_VERSION, NATIVE_MODULES, NODE_VERSION } from './pins.ts';
import { ProcessGroup } from './process-group.ts';
import { ensureToolchain, onPath } from './programs.ts';

/** Where the parts of an installed host are. All paths are absolute. */
export interface EditorHost {
  readonly root: string;
  /** The Node that runs the editor's server. */
  readonly node: string;
  /** The script of the editor's server and of its command line. */
  readonly entry: string;
}

const STEP_LIMIT_MS = 10 * 60_000;
const NODE_PACKAGE = `node-${process.platform}-${process.arch}`;
const MARKER = 'whole.json';
const STAGE_SUFFIX = '.partial-';

/** What a whole host of these versions says of itself in its marker file. */
const IDENTITY = JSON.stringify({ 'code-server': CODE_SERVER_VERSION, [NODE_PACKAGE]: NODE_VERSION });

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
  return { root, node: nodeIn(root), entry: join(packageIn(root, 'code-server'), 'out/node/entry.js') };
}

/**
 * Builds a native module of the host that only some tests need, unless it is built already.
 * @throws MissingPartError when it cannot be built here
 */
export async function ensureNativeModule(
  host: EditorHost,
  name: string,
  say: (line: string) => void,
): Promise<void> {
  const vscode = join(packageIn(host.root, 'code-server'), 'lib/vscode');
  const load = () =>
    new ProcessGroup(host.node, ['-e', `require(${JSON.stringify(name)})`], { cwd: vscode }).succeeded(
      STEP_LIMIT_MS,
    );
  if (
    await load().then(
      () => true,
      () => false,
    )
  )
    return;
  await ensureToolchain(say);
  say(`building ${name} (once, some minutes)`);
  try {
    await npm(host.root, vscode, ['rebuild', '--ignore-scripts=false', '--loglevel=error', name]);
    await load();
  } catch (cause) {
    throw new MissingPartError(name, 'It could not be built.', { cause });
  }
}

/** The folder of the host: `RESILIENT_MCP_EDITOR_HOST`, else one for this version in the user's cache. */
function hostFolder(): string {
  const { env } = process;
  const chosen = env.RESILIENT_MCP_EDITOR_HOST;
  if (chosen !== undefined && chosen !== '') return resolve(chosen);
  const cache = env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'resilient-mcp', `editor-host-${CODE_SERVER_VERSION}`);
}

async function isWhole(root: string): Promise<boolean> {
  const marker = await readFile(join(root, MARKER), 'utf8').catch(() => undefined);
  return marker === IDENTITY;
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
  const dependencies = { 'code-server': CODE_SERVER_VERSION, [NODE_PACKAGE]: NODE_VERSION };
  await writeFile(join(stage, 'package.json'), JSON.stringify({ private: true, dependencies }));
  // Scripts stay off: code-server's postinstall refuses a Node that is not its own, and compiles modules no test uses.
  const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  say(`installing code-server ${CODE_SERVER_VERSION} and Node ${NODE_VERSION} (once, about a minute)`);
  await npm(stage, stage, ['install', ...quietly]);
  const vscode = join(packageIn(stage, 'code-server'), 'lib/vscode');
  say('installing the packages of its VS Code');
  await npm(stage, vscode, ['install', '--omit=dev', ...quietly]);
  say(`building ${NATIVE_MODULES.join(' and ')}`);
  await npm(stage, vscode, ['rebuild', '--ignore-scripts=false', '--loglevel=error', ...NATIVE_MODULES]);
  const load = `for (const name of ${JSON.stringify(NATIVE_MODULES)}) require(name)`;
  await new ProcessGroup(nodeIn(stage), ['-e', load], { cwd: vscode }).succeeded(STEP_LIMIT_MS);
}

async function npm(stage: string, cwd: string, args: readonly string[]): Promise<void> {
  const script = process.env.npm_execpath;
  const program = await onPath('npm');
  if (script === undefined && program === undefined) {
    throw new MissingPartError('npm', 'It comes with Node: https://nodejs.org');
  }
  const [command, ...before] = script === undefined ? ['npm'] : [process.execPath, script];
  await new ProcessGroup(command ?? 'npm', [...before, ...args], {
    cwd,
    env: npmEnvironment(stage),
  }).succeeded(STEP_LIMIT_MS);
}

/** Settings that say how packages are reached are the user's to make; the others describe the npm run we are in. */
const KEPT_NPM_SETTINGS =
  /^npm_config_(registry|cache|userconfig|globalconfig|proxy|https_proxy|noproxy|cafile)$/i;

function npmEnvironment(stage: string): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^npm_/i.test(name) || KEPT_NPM_SETTINGS.test(name),
  );
  const env = Object.fromEntries(entries);
  // The host's Node comes first, as soon as it is there, and its own headers whatever `nodedir` the user has set:
  // a module that is built against another Node does not load.
  env.PATH = [dirname(nodeIn(stage)), dirname(process.execPath), env.PATH].join(delimiter);
  env.npm_config_nodedir = packageIn(stage, NODE_PACKAGE);
  return env;
}

function packageIn(root: string, name: string): string {
  return join(root, 'node_modules', name);
}

function nodeIn(root: string): string {
  return join(packageIn(root, NODE_PACKAGE), 'bin/node');
}
