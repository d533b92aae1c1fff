import { FastMCP } from 'fastmcp';
import { z } from 'zod';
import { counted } from './counted.mjs';

const server = new FastMCP({ name: 'counting', version: '1.0.0' });
server.addTool({
  name: 'count',
  description: 'Counts its runs',
  parameters: z.object({ key: z.string() }),
  execute: async ({ key }) => counted(key),
});
await server.start({
  transportType: 'httpStream',
  httpStream: { port: Number(process.argv[2]), host: '127.0.0.1' },
});
