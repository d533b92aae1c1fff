import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { MissingPartError } from './missing-part.ts';
import { CODE_SERVER_VERSION, NODE_VERSION } from './pins.ts';
import { ProcessGroup } from './process-group.ts';

/** Where the parts of an installed host are. All paths are absolute. */
export interface EditorHost {
  readonly root: string;
  /** The Node that runs the editor's server. */
  readonly node: string;
  /** The script of the editor's server and of its command line. */
  readonly entry: string;
}

const LOAD_LIMIT_MS = 60_000;

export const NODE_PACKAGE = `node-${process.platform}-${process.arch}`;
/** The file that stands in a whole host, and what it says in one of these versions. */
export const MARKER = 'whole.json';
export const IDENTITY = JSON.stringify({ 'code-server': CODE_SERVER_VERSION, [NODE_PACKAGE]: NODE_VERSION });

/**
 * The host of this machine.
 * @throws MissingPartError when it is not installed: `npm run set-up` does that
 */
export async function findEditorHost(): Promise<EditorHost> {
  const root = hostFolder();
  if (await isWhole(root)) return hostIn(root);
  throw new MissingPartError(`code-server ${CODE_SERVER_VERSION}`, 'To install it: npm run set-up');
}

/** @throws MissingPartError when a native module of the host that only some tests need is not built */
export async function findNativeModule(host: EditorHost, name: string): Promise<void> {
  if (await loads(host, name)) return;
  throw new MissingPartError(name, 'To build it: node test/set-up/main.ts agent-host');
}

/** Whether the host's own Node loads a native module. */
export function loads({ root, node }: EditorHost, ...names: readonly string[]): Promise<boolean> {
  const load = `for (const name of ${JSON.stringify(names)}) require(name)`;
  const loading = new ProcessGroup(node, ['-e', load], { cwd: vscodeIn(root) });
  return loading.succeeded(LOAD_LIMIT_MS).then(
    () => true,
    () => false,
  );
}

/** The folder of the host: `RESILIENT_MCP_EDITOR_HOST`, else one for this version in the user's cache. */
export function hostFolder(): string {
  const { env } = process;
  const chosen = env.RESILIENT_MCP_EDITOR_HOST;
  if (chosen !== undefined && chosen !== '') return resolve(chosen);
  const cache = env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'resilient-mcp', `editor-host-${CODE_SERVER_VERSION}`);
}

export function hostIn(root: string): EditorHost {
  const node = join(packageIn(root, NODE_PACKAGE), 'bin/node');
  return { root, node, entry: join(packageIn(root, 'code-server'), 'out/node/entry.js') };
}

export async function isWhole(root: string): Promise<boolean> {
  const marker = await readFile(join(root, MARKER), 'utf8').catch(() => undefined);
  return marker === IDENTITY;
}

export function packageIn(root: string, name: string): string {
  return join(root, 'node_modules', name);
}

export function vscodeIn(root: string): string {
  return join(packageIn(root, 'code-server'), 'lib/vscode');
}
