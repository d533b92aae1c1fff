import { Client, type ClientOptions } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpError } from '@modelcontextprotocol/sdk/types.js';
import { freePort } from '../../harness/free-port.ts';
import { SupervisedServer } from '../../harness/supervised-server.ts';
import type { ScratchFolder } from '../support/scratch.ts';
import { textOf } from '../support/sdk-client.ts';
import { program } from './serving.ts';

export const TOKEN = 'a-token-for-the-tests';

export interface GateOptions {
  /** After `gateway --port … --key-file …`. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Path of the endpoint that {@link SupervisedServer.url} names. */
  readonly path?: string;
}

/** Runs `resilient-mcp gateway` with a key in the folder and {@link TOKEN}, and waits until it listens. */
export async function gate(
  folder: ScratchFolder,
  { args, env = {}, path = '/mcp' }: GateOptions,
): Promise<SupervisedServer> {
  const port = await freePort();
  return SupervisedServer.start({
    name: 'resilient-mcp gateway',
    script: program,
    args: ['gateway', '--port', String(port), '--key-file', folder.file('key'), ...args],
    env: { RESILIENT_MCP_TOKEN: TOKEN, ...env },
    port,
    path,
    listening: /clients (?:send|need)/,
  });
}

/** An unmodified client of the SDK. */
export interface GatedClient extends AsyncDisposable {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport;
  /** Calls a tool; gives its text, or the code of the error that the gateway answered with. */
  call(tool: string, args?: Record<string, unknown>): Promise<string>;
}

export async function connect(
  url: string,
  token: string | undefined = TOKEN,
  options?: ClientOptions,
): Promise<GatedClient> {
  const headers = token === '' ? {} : { authorization: `Bearer ${token}` };
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  const client = new Client({ name: 'gated', version: '1.0.0' }, options);
  await client.connect(transport as Parameters<Client['connect']>[0]);
  return {
    client,
    transport,
    call: (name, args = {}) => client.callTool({ name, arguments: args }).then(textOf, codeOf),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

function codeOf(error: unknown): string {
  const data = error instanceof McpError ? (error.data as { code?: string } | undefined) : undefined;
  return data?.code ?? String(error);
}
