// The stdio server that proxies stand in front of.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';
import { counted } from './counted.mjs';

const server = new McpServer({ name: 'counting', version: '1.0.0' });
server.registerTool('count', { inputSchema: { key: z.string() } }, ({ key }) => ({
  content: [{ type: 'text', text: counted(key) }],
}));
await server.connect(new StdioServerTransport());
