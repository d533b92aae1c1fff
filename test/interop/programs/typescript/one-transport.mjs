// The shortest server with sessions, as many are written: one transport for the process, and so one session.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';
import { counted } from './counted.mjs';

const server = new McpServer({ name: 'counting', version: '1.0.0' });
server.registerTool('count', { inputSchema: { key: z.string() } }, ({ key }) => ({
  content: [{ type: 'text', text: counted(key) }],
}));
const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => randomUUID() });
await server.connect(transport);
createServer((request, response) => transport.handleRequest(request, response)).listen(
  Number(process.argv[2]),
  '127.0.0.1',
);
