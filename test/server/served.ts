import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
import {
  type LogRecord,
  nodeListener,
  type SessionFactory,
  SessionManager,
  type SessionManagerOptions,
} from '../../src/server/index.ts';
import { HeldClock } from '../support/held-clock.ts';

/** A manager behind node:http on a free loopback port, its clock held still, and what it logged. */
export interface Served extends AsyncDisposable {
  readonly manager: SessionManager;
  readonly clock: HeldClock;
  readonly url: string;
  readonly port: number;
  readonly log: readonly LogRecord[];
  /** Calls `listener` for every later record. */
  onRecord(listener: (record: LogRecord) => void): void;
  /** Sends bytes as they are described, with what every MCP client sends around them. */
  post(body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** The SDK's client in a session of its own. */
  connect(): Promise<{ client: Client; transport: StreamableHTTPClientTransport }>;
}

export interface ServedOptions extends SessionManagerOptions {
  readonly factory?: SessionFactory;
  /** Between node:http and the manager. */
  readonly wrap?: (listener: RequestListener) => RequestListener;
}

export async function served({
  factory = counter,
  wrap = (l) => l,
  ...options
}: ServedOptions = {}): Promise<Served> {
  const clock = new HeldClock();
  const log: LogRecord[] = [];
  const listeners: ((record: LogRecord) => void)[] = [(record) => log.push(record)];
  const manager = new SessionManager(factory, {
    log: (record) => {
      for (const listener of listeners) listener(record);
    },
    environment: { clock },
    key: 'the key of the tests, of 32 characters or more',
    ...options,
  });
  const http = createServer(wrap(nodeListener(manager)));
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const { port } = http.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/mcp`;
  return {
    manager,
    clock,
    url,
    port,
    log,
    onRecord: (listener) => void listeners.push(listener),
    post: (body, headers = {}) =>
      fetch(url, { method: 'POST', body: textOf(body), headers: { ...usual, ...headers } }),
    async connect() {
      const transport = new StreamableHTTPClientTransport(new URL(url));
      const client = new Client({ name: 'test', version: '1.0.0' });
      await client.connect(transport as Parameters<Client['connect']>[0]);
      return { client, transport };
    },
    async [Symbol.asyncDispose]() {
      await manager.close();
      http.closeAllConnections();
      http.close();
    },
  };
}

const usual = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

/** A server that counts: each session has a count of its own. */
function counter(): McpServer {
  const server = new McpServer({ name: 'counter', version: '1.0.0' });
  let count = 0;
  server.registerTool('add', { inputSchema: { amount: z.number() } }, ({ amount }) => {
    count += amount;
    return { content: [{ type: 'text', text: String(count) }] };
  });
  return server;
}

export const initialize = {
  jsonrpc: '2.0',
  id: 'first',
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1.0.0' } },
};

export const ping = { jsonrpc: '2.0', id: 7, method: 'ping' };

/** Opens a session with a client that never says a word more than it has to; gives its id. */
export async function open(server: Served, headers: Record<string, string> = {}): Promise<string> {
  const response = await server.post(initialize, headers);
  assert.equal(response.status, 200);
  await response.text();
  return response.headers.get('mcp-session-id') ?? assert.fail('no session id');
}

/** What a refusal says: status, JSON-RPC code, JSON-RPC id. */
export async function refusal(response: Response): Promise<unknown[]> {
  const { error, id, jsonrpc } = await response.json();
  assert.equal(jsonrpc, '2.0');
  assert.equal(response.headers.get('content-type'), 'application/json');
  return [response.status, error.code, id];
}
