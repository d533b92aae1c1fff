import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler } from 'mcp-handler';
import { z } from 'zod';
import { counted } from './counted.mjs';

const handler = createMcpHandler((server) => {
  server.registerTool('count', { inputSchema: z.object({ key: z.string() }) }, async ({ key }) => ({
    content: [{ type: 'text', text: counted(key) }],
  }));
});
createServer(toNodeHandler({ fetch: handler })).listen(Number(process.argv[2]), '127.0.0.1');
