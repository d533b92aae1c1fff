import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';

/** The server of one session. Called once for each session, and again when a session comes back after a restart. */
export function createServer(): McpServer {
  const server = new McpServer({ name: 'greeter', version: '1.0.0' });
  server.registerTool(
    'greet',
    { description: 'Greets.', inputSchema: { name: z.string() }, annotations: { readOnlyHint: true } },
    ({ name }) => ({ content: [{ type: 'text', text: `Hello, ${name}.` }] }),
  );
  return server;
}
