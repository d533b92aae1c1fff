import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { freePort } from '../../harness/free-port.ts';
import { SupervisedServer, scriptPath } from '../../harness/supervised-server.ts';
import { until } from '../../harness/until.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

export const program = scriptPath('../../src/cli/main.ts', import.meta.url);
const dependencies = join(import.meta.dirname, '../../node_modules');

/** A folder with a server module in it that can import the SDK. */
export function project(files: Readonly<Record<string, string>>): ScratchFolder {
  const folder = scratchFolder();
  symlinkSync(dependencies, folder.file('node_modules'), 'junction');
  const all = { 'package.json': '{ "type": "module" }', ...files };
  for (const [name, text] of Object.entries(all)) writeFileSync(folder.file(name), text);
  return folder;
}

/** A server module whose tools depend on another file of the project. */
export const serverModule = `
import { existsSync, watch } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { version } from './version.ts';

type Said = { content: { type: 'text'; text: string }[] };
const say = (value: unknown): Said => ({ content: [{ type: 'text', text: String(value) }] });

export function createServer(): McpServer {
  const server = new McpServer({ name: 'served', version: '1.0.0' });
  server.registerTool('version', {}, () => say(version));
  server.registerTool('pid', {}, () => say(process.pid));
  server.registerTool('exit', {}, () => process.exit(3));
  server.registerTool('hold', {}, async () => {
    await new Promise<void>((resolve) => {
      const watcher = watch(import.meta.dirname, () => {
        if (!existsSync(new URL('release', import.meta.url))) return;
        watcher.close();
        resolve();
      });
      console.log('holding');
    });
    return say(version);
  });
  server.registerTool('ask', {}, async () => {
    const answer = await server.server.elicitInput({
      message: 'which?',
      requestedSchema: { type: 'object', properties: { answer: { type: 'string' } } },
    });
    return say(answer.content?.answer);
  });
  server.registerTool(\`only-in-\${version}\`, {}, () => say(version));
  return server;
}
`;

export const versionModule = (version: string) => `export const version: string = '${version}';\n`;

/** Runs \`resilient-mcp serve\` on a module of the folder, and waits until it listens. */
export async function serve(
  folder: ScratchFolder,
  { args = [], module = 'server.ts', listening = /serving \(pid|serves \(pid/ }: ServeArguments = {},
): Promise<SupervisedServer> {
  const port = await freePort();
  const key = folder.file('key');
  return SupervisedServer.start({
    name: 'resilient-mcp serve',
    script: program,
    args: ['serve', folder.file(module), '--port', String(port), '--key-file', key, ...args],
    port,
    listening,
  });
}

export interface ServeArguments {
  readonly args?: readonly string[];
  readonly module?: string;
  readonly listening?: RegExp;
}

/** Lets the tool `hold` answer. */
export function release(folder: ScratchFolder): void {
  writeFileSync(folder.file('release'), '');
}

/** Waits for a line that is written from now on. */
export function lineOf(server: SupervisedServer, line: RegExp): Promise<string> {
  return until<string>(
    (listener) => server.onLine(listener),
    (text) => line.test(text),
    { what: String(line) },
  );
}

/** The process that serves the module now, as the program has said. */
export function workerOf(server: SupervisedServer): number {
  const pids = server.output.flatMap((line) => /serv(?:ing|es) \(pid (\d+)\)/.exec(line)?.[1] ?? []);
  return Number(pids.at(-1));
}

export interface ServedClient extends AsyncDisposable {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport;
  call(tool: string): Promise<string>;
  /** Resolves at the next tools/list_changed. */
  toolsChanged(): Promise<void>;
}

/** An unmodified client of the SDK. */
export async function connect(url: string): Promise<ServedClient> {
  const transport = new StreamableHTTPClientTransport(new URL(url));
  const client = new Client({ name: 'test', version: '1.0.0' }, { capabilities: { elicitation: {} } });
  const listeners = new Set<(changed: undefined) => void>();
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    for (const listener of listeners) listener(undefined);
  });
  await client.connect(transport as Parameters<Client['connect']>[0]);
  return {
    client,
    transport,
    async call(name) {
      const { content, isError } = (await client.callTool({ name })) as {
        content: { text: string }[];
        isError?: boolean;
      };
      const text = content[0]?.text ?? '';
      if (isError) throw new Error(text);
      return text;
    },
    async toolsChanged() {
      await until<undefined>(
        (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        () => true,
        { what: 'tools/list_changed' },
      );
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
