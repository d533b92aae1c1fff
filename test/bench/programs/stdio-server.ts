// The echo server on standard input and output.
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { echoServer } from './echo-server.ts';

await echoServer().connect(new StdioServerTransport());
