import type { ServerOptions } from '@modelcontextprotocol/sdk/server/index.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';

/** The server that all measurements call: one tool that gives back what it was given. */
export function echoServer(options?: ServerOptions): McpServer {
  const server = new McpServer({ name: 'echo', version: '1.0.0' }, options);
  server.registerTool(
    'echo',
    { description: 'Gives back the text.', inputSchema: { text: z.string() } },
    ({ text }) => ({ content: [{ type: 'text', text }] }),
  );
  return server;
}
