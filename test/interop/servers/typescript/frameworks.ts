import type { InteropServer } from '../../server.ts';
import { nodeProgram } from './node-program.ts';

export const fastmcp: InteropServer = nodeProgram({
  name: 'fastmcp-typescript',
  package: 'fastmcp',
  version: '4.20.16',
  with: ['zod@4.6.7'],
  file: 'fastmcp-server.mjs',
});

export const mcpHandler: InteropServer = nodeProgram({
  name: 'mcp-handler',
  package: 'mcp-handler',
  version: '2.4.0',
  with: ['@modelcontextprotocol/server@2.4.0', '@modelcontextprotocol/node@2.1.2', 'zod@4.6.7'],
  file: 'mcp-handler-server.mjs',
});
