// SDK 2 as it is served by default: a server for each request, and no sessions.
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { counted } from './counted.mjs';

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'counting', version: '1.0.0' });
  server.registerTool('count', { inputSchema: z.object({ key: z.string() }) }, ({ key }) => ({
    content: [{ type: 'text', text: counted(key) }],
  }));
  return server;
});
createServer(toNodeHandler(handler)).listen(Number(process.argv[2]), '127.0.0.1');
