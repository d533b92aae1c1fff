// A server of the SDK under the companion, started anew with the same key: `companion-server.ts <port>`.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
import { nodeListener, SessionManager } from '../../../src/server/index.ts';

function make(): McpServer {
  const server = new McpServer({ name: 'counting', version: '1.0.0' });
  server.registerTool('count', { inputSchema: { key: z.string() } }, ({ key }) => {
    appendFileSync(process.env.INTEROP_LEDGER ?? '', `${key}\n`);
    return { content: [{ type: 'text', text: `counted ${key}` }] };
  });
  return server;
}

const manager = new SessionManager(make, { key: 'the key of the interop runs, of 32 characters or more' });
createServer(nodeListener(manager)).listen(Number(process.argv[2]), '127.0.0.1');
