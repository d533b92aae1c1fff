import { glob, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseWindowFile, type WindowFile } from '../../src/hub/gateway/window-file.ts';

/** What the agent was told of servers. */
export interface Told {
  /** Every file of it: one for each set of root folders that a conversation may have, and each change. */
  readonly files: readonly string[];
  /** What each set was told last: the names of the servers, and what their programs are told. */
  readonly newest: readonly (readonly [name: string, args: readonly string[]])[][];
}

/** What the editor, the agent and the extension write into the editor's folder. */
export class EditorFiles {
  /** All of every window file that was read: windows that are gone have had others. */
  readonly secrets = new Set<string>();
  readonly #userData: string;

  constructor(userData: string) {
    this.#userData = userData;
  }

  /** What the extension tells `attach` of the window that is open; undefined while none is. */
  async windowFile(): Promise<(WindowFile & { readonly path: string; readonly stem: string }) | undefined> {
    for await (const path of this.#found('User/globalStorage/resilient-mcp.resilient-mcp/windows/*.json')) {
      const file = parseWindowFile(await readFile(path, 'utf8').catch(() => ''));
      if (!file) continue;
      for (const secret of [file.token, file.passingToken, file.proofKey]) this.secrets.add(secret);
      return { ...file, path, stem: path.replace(/(\.\d+)?\.json$/, '') };
    }
    return undefined;
  }

  async toldToAgent(): Promise<Told> {
    const files: string[] = [];
    const newest = new Map<string, { readonly mtimeMs: number; readonly path: string }>();
    for await (const path of this.#found('agentPlugins/vscode-synced-*/*/.mcp.json')) {
      files.push(path);
      const scope = join(path, '../..');
      const { mtimeMs } = await stat(path);
      if (mtimeMs >= (newest.get(scope)?.mtimeMs ?? 0)) newest.set(scope, { mtimeMs, path });
    }
    const texts = await Promise.all([...newest.values()].map(({ path }) => readFile(path, 'utf8')));
    return { files: files.sort(), newest: texts.map(serversIn) };
  }

  /** What the agent says in its log of errors, and of why it has started its servers anew. */
  async agentLog(): Promise<string[]> {
    const found: string[] = [];
    for await (const path of this.#found('logs/*/agenthost.log'))
      found.push(
        ...((await readFile(path, 'utf8')).match(/^.*(?:\[error\]|configuration changed).*$/gm) ?? []),
      );
    return found;
  }

  async *#found(pattern: string): AsyncGenerator<string> {
    for await (const path of glob(pattern, { cwd: this.#userData })) yield join(this.#userData, path);
  }
}

/** None in a file that is being written. */
function serversIn(text: string): [string, string[]][] {
  try {
    const { mcpServers } = JSON.parse(text) as { mcpServers: Record<string, { args: string[] }> };
    return Object.entries(mcpServers).map(([name, { args }]) => [name, args.slice(1)]);
  } catch {
    return [];
  }
}
