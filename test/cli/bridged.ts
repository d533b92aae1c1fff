import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Client, type ClientOptions } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { McpError } from '@modelcontextprotocol/sdk/types.js';
import { until } from '../../harness/until.ts';
import { textOf } from '../support/sdk-client.ts';
import { program } from './serving.ts';

export interface BridgedOptions {
  /** After the command and `--verbose`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly client?: ClientOptions;
  /** Called with the client before it connects: request handlers go here. */
  readonly prepare?: (client: Client) => void;
  /** How long the client waits for the answer to its handshake, in ms. Default 60,000, as in the SDK. */
  readonly connectTimeoutMs?: number;
}

/** The SDK's client on stdio, and the bridge as the process that it has started. */
export interface Bridged extends AsyncDisposable {
  readonly client: Client;
  readonly pid: number;
  /** The lines that the bridge wrote to standard error. */
  readonly log: readonly string[];
  /** What the client could not read: anything on standard output that is no message. */
  readonly errors: readonly Error[];
  /** Calls a tool; gives its text, or the code of the error that the bridge answered with. */
  call(tool: string, args?: Record<string, unknown>): Promise<string>;
  /** Waits for a fact that the bridge logs, those already logged included. */
  fact(kind: string, count?: number): Promise<void>;
}

export function bridged(url: string, options: BridgedOptions = {}): Promise<Bridged> {
  return overStdio(['bridge', url], options);
}

/** @param stem see `windowFileOf` */
export function attached(stem: string, server: string, options: BridgedOptions = {}): Promise<Bridged> {
  return overStdio(['attach', stem, server], options);
}

/** @param server what follows the name: an address, or -- and a command */
export function attachedTo(
  name: string,
  server: readonly string[],
  options: BridgedOptions = {},
): Promise<Bridged> {
  return overStdio(['attach', '--name', name], { ...options, args: [...(options.args ?? []), ...server] });
}

async function overStdio(command: readonly string[], options: BridgedOptions): Promise<Bridged> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program, ...command, '--verbose', ...(options.args ?? [])],
    env: { ...(process.env as Record<string, string>), ...options.env },
    stderr: 'pipe',
  });
  const log: string[] = [];
  const listeners = new Set<(line: string) => void>();
  if (transport.stderr) {
    createInterface({ input: transport.stderr as Readable }).on('line', (line) => {
      log.push(line);
      for (const listener of listeners) listener(line);
    });
  }
  const client = new Client({ name: 'bridged', version: '1.0.0' }, options.client);
  const errors: Error[] = [];
  client.onerror = (error) => errors.push(error);
  options.prepare?.(client);
  const timeout = options.connectTimeoutMs ?? 60_000;
  await client.connect(transport as Parameters<Client['connect']>[0], { timeout });
  return {
    client,
    pid: transport.pid ?? 0,
    log,
    errors,
    call: (name, args = {}) => client.callTool({ name, arguments: args }).then(textOf, codeOf),
    async fact(kind, count = 1) {
      const isThere = () => log.filter((line) => line.includes(`"fact":"${kind}"`)).length >= count;
      if (isThere()) return;
      await until<string>(
        (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        isThere,
        { what: `the fact ${kind} number ${count}` },
      );
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

function codeOf(error: unknown): string {
  const data = error instanceof McpError ? (error.data as { code?: string } | undefined) : undefined;
  return data?.code ?? String(error);
}
